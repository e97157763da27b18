"""What happens to imports."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.foundation.events import Event


@dataclass(frozen=True, slots=True)
class ImportStarted(Event):
    """Rows of an import wait to be read, imported or undone."""

    import_id: int
