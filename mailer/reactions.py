"""What follows what: an event, and the jobs to wake after its commit. The only such list.

Events are called by their names, so that a process need not load rooms in which nothing happens there.
"""

from __future__ import annotations

from collections.abc import Callable

from mailer.foundation import events
from mailer.foundation.events import Event
from mailer.jobs import waking

REACTIONS: dict[str, Callable[[], None]] = {
    "TransactionalPlanned": waking.wake_send_due_soon,
    "ImportStarted": lambda: waking.wake_upkeep("advance_imports"),
    "CampaignStarted": waking.wake_drains,
    "CampaignResumed": waking.wake_drains,
    "CampaignCancelled": lambda: waking.wake_upkeep("wake"),
}


def attach() -> None:
    """Listen to what happens in the rooms."""
    events.listen(_react)


def _react(event: Event) -> None:
    reaction = REACTIONS.get(type(event).__name__)
    if reaction is not None:
        reaction()
