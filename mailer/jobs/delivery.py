"""Jobs of the queue `bulk`: each slot drains what is due of all campaigns in turn."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mailer import campaigns, delivery
from mailer.campaigns import Campaign
from mailer.foundation import queue
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotAllowed, Unavailable
from mailer.jobs import waking
from mailer.jobs.draining import Drain
from mailer.jobs.duties import Duties
from mailer.jobs.patience import in_turns
from mailer.jobs.runner import current, job

DRAIN_SECONDS = 60.0


@job
def drain(slot: int) -> Mapping[str, object] | None:
    """Send for up to a minute; wake this slot again when work remains."""
    shift = current()
    until = time.monotonic() + DRAIN_SECONDS
    sent = settled = 0
    while not shift.is_over and not shift.rest.is_on:
        run = Drain(shift, until=until)
        try:
            run.run()
        except Unavailable:
            raise  # the database is waited for; there is nothing to spare the relay
        except Exception:
            shift.rest.begin()
            raise
        sent, settled = sent + run.sent, settled + run.settled
        close_campaigns()
        if not _has_due():
            break
        if not run.has_moved or time.monotonic() > until:
            waking.wake_drain(slot)
            break
    return {"slot": slot, "sent": sent, "settled": settled} if settled else None


def _has_due() -> bool:
    with unit_of_work():
        return delivery.has_due()


def close_campaigns() -> int:
    """Finish campaigns in which everybody is settled, and leave out the rest of cancelled ones."""
    with unit_of_work():
        finished = delivery.list_finished()
    for campaign_id in finished:
        try:
            with unit_of_work():
                _finish(campaigns.get_campaign_by_id(campaign_id))
        except NotAllowed:
            continue  # paused or finished at the same moment by somebody else
    in_turns(delivery.skip_cancelled)
    return len(finished)


def _finish(campaign: Campaign) -> None:
    """Call a campaign sent, unless the last answers were about us: then it waits for somebody to mend that."""
    series = delivery.find_last_series(campaign.id)
    if series is None:
        campaigns.finish(campaign)
        return
    campaigns.pause(campaign, series.because)
    delivery.forget_alarm(campaign.id)
    delivery.give_back(campaign.id, series)


DUTIES = Duties(
    settlers=[delivery], owners=f"{queue.BULK}-", looking=lambda slot: lambda: drain(slot)
)
