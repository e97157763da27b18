"""What follows what: an event, and the jobs to wake after its commit. The only such list."""

from __future__ import annotations

from collections.abc import Callable

from mailer.campaigns import CampaignCancelled, CampaignResumed, CampaignStarted
from mailer.foundation import events
from mailer.foundation.events import Event
from mailer.imports import ImportStarted
from mailer.jobs import waking
from mailer.transactional import TransactionalPlanned

REACTIONS: dict[type[Event], Callable[[], None]] = {
    TransactionalPlanned: waking.wake_send_due_soon,
    ImportStarted: lambda: waking.wake_upkeep("advance_imports"),
    CampaignStarted: waking.wake_drains,
    CampaignResumed: waking.wake_drains,
    CampaignCancelled: lambda: waking.wake_upkeep("wake"),
}


def attach() -> None:
    """Listen to what happens in the rooms."""
    events.listen(_react)


def _react(event: Event) -> None:
    reaction = REACTIONS.get(type(event))
    if reaction is not None:
        reaction()
