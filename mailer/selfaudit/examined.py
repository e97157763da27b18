"""What one slice of an audit gives: how far it got, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mailer.selfaudit.states import FindingKind, Stage


@dataclass(frozen=True, slots=True)
class Found:
    """One finding before it is written down; `organisation_id` None when it concerns the log itself."""

    kind: FindingKind
    place: str
    message: str
    organisation_id: int | None = None


@dataclass(frozen=True, slots=True)
class AuditState:
    """Where an audit stands: what its next slice needs, as plain values."""

    audit_id: int
    revision: int
    stage: Stage
    progress: dict[str, Any]
    done: int
    total: int
    findings_count: int


@dataclass(slots=True)
class Slice:
    """A slice being examined: `progress` is changed in place, `stage` when one is through."""

    stage: Stage
    progress: dict[str, Any]
    count: int = 0
    sees_signer: bool = False
    found: list[Found] = field(default_factory=list)

    def find(
        self, kind: FindingKind, place: str, message: str, organisation_id: int | None = None
    ) -> None:
        """Note a finding."""
        self.found.append(Found(kind, place, message, organisation_id))
