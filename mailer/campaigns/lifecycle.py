"""From draft to sent: every step is one guarded UPDATE, so that two clicks do not both win."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mailer.campaigns.audience import AudiencePreview
from mailer.campaigns.checks import run
from mailer.campaigns.events import (
    CampaignCancelled,
    CampaignFinished,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
)
from mailer.campaigns.models import Campaign
from mailer.campaigns.sender_checks import Finding, Level
from mailer.campaigns.states import CampaignState, Step, move
from mailer.foundation.clock import now
from mailer.foundation.database import db, record
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.organisations import DomainDns


def schedule(
    campaign: Campaign,
    at: datetime,
    domain_dns: DomainDns | None = None,
    audience: AudiencePreview | None = None,
) -> None:
    """Have a draft start at `at` (aware).

    Raises Invalid when that is past or a check blocks, NotAllowed when it is no draft. `domain_dns` and
    `audience` are as for `start`.
    """
    move(campaign.state, Step.SCHEDULE)
    if at <= now():
        sentence = "This time has passed. Please choose a later one, or start the campaign now."
        raise Invalid(sentence, {"at": sentence})
    _refuse_blocked(campaign, domain_dns, audience)
    _take(campaign, Step.SCHEDULE, scheduled_at=at, held_because="")


def unschedule(campaign: Campaign) -> None:
    """Make a scheduled campaign a draft again. Raises NotAllowed."""
    _take(campaign, Step.UNSCHEDULE, scheduled_at=None)


def start(
    campaign: Campaign,
    domain_dns: DomainDns | None = None,
    audience: AudiencePreview | None = None,
) -> None:
    """Begin to send. Raises Invalid when a check blocks, NotAllowed when it was started already.

    `domain_dns` is what DNS said of the sender's domain just now (`organisations.read_dns`), `audience` who
    was counted just now: with a million people that takes seconds, in which nobody else could write here.
    """
    move(campaign.state, Step.START)
    _refuse_blocked(campaign, domain_dns, audience)
    _begin(campaign)


def pause(campaign: Campaign, because: str = "") -> None:
    """Stop sending for the time being; takes effect within a second. Raises NotAllowed.

    `because` is a sentence for the marketer when it was not they who paused.
    """
    _take(campaign, Step.PAUSE, held_because=because)
    record(CampaignPaused(campaign.id))


def resume(campaign: Campaign) -> None:
    """Go on with a paused campaign. Raises NotAllowed."""
    _take(campaign, Step.RESUME, held_because="")
    record(CampaignResumed(campaign.id))


def cancel(campaign: Campaign) -> None:
    """End a campaign for good; who has not had it yet will not get it. Raises NotAllowed."""
    _take(campaign, Step.CANCEL, finished_at=now(), held_because="")
    record(CampaignCancelled(campaign.id))


def finish(campaign: Campaign) -> None:
    """Everybody is settled. Raises NotAllowed unless the campaign is being sent."""
    _take(campaign, Step.FINISH, finished_at=now(), held_because="")
    record(CampaignFinished(campaign.id))


def reopen(campaign: Campaign) -> None:
    """Somebody of the audience is to be written to after all. Raises NotAllowed unless it was sent."""
    _take(campaign, Step.REOPEN, finished_at=None, held_because="")
    record(CampaignResumed(campaign.id))


def hold(campaign: Campaign, because: str) -> None:
    """Say, in a sentence, why a campaign that is being sent waits just now."""
    if campaign.held_because != because:
        _note(campaign, because)


def clear_hold(campaign: Campaign) -> None:
    """Sending works again: nothing is waited for any more."""
    if campaign.held_because:
        _note(campaign, "")


def list_due(moment: datetime) -> list[int]:
    """The row ids of scheduled campaigns whose time has come."""
    query = sa.select(Campaign.id).where(
        Campaign.state == CampaignState.SCHEDULED, Campaign.scheduled_at <= moment
    )
    return list(db.session.scalars(query.order_by(Campaign.scheduled_at, Campaign.id)))


def start_scheduled(
    campaign: Campaign,
    domain_dns: DomainDns | None = None,
    audience: AudiencePreview | None = None,
) -> bool:
    """Start a scheduled campaign after checking it again; False when it may not start.

    Then it is a draft again and says why, so that it is neither sent as it is nor silently lost.
    `domain_dns` and `audience` are as for `start`.
    """
    if campaign.state is not CampaignState.SCHEDULED:
        return False
    blocking = _blocking(campaign, domain_dns, audience)
    if not blocking:
        _begin(campaign)
        return True
    reasons = " ".join(finding.message for finding in blocking)
    sentence = f"It was not started at the time you chose. {reasons}"
    _take(campaign, Step.UNSCHEDULE, scheduled_at=None, held_because=sentence)
    return False


def _begin(campaign: Campaign) -> None:
    _take(campaign, Step.START, started_at=now(), held_because="")
    record(CampaignStarted(campaign.id))


def _blocking(
    campaign: Campaign, domain_dns: DomainDns | None, audience: AudiencePreview | None
) -> list[Finding]:
    findings = run(campaign, audience, domain_dns)
    return [finding for finding in findings if finding.level is Level.BLOCKING]


def _refuse_blocked(
    campaign: Campaign, domain_dns: DomainDns | None, audience: AudiencePreview | None
) -> None:
    blocking = _blocking(campaign, domain_dns, audience)
    if blocking:
        raise Invalid(
            "This campaign cannot be sent yet. " + " ".join(one.message for one in blocking),
            {finding.code: finding.message for finding in blocking},
        )


def _take(campaign: Campaign, step: Step, **values: Any) -> None:
    """Move on from exactly the state and text that were looked at. Raises NotAllowed."""
    before = campaign.state
    after = move(before, step)
    moved = db.session.execute(
        sa.update(Campaign)
        .where(
            Campaign.id == campaign.id,
            Campaign.state == before,
            Campaign.revision == campaign.revision,
        )
        .values(state=after, **values)
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(campaign)
    if moved is None:
        raise NotAllowed(
            f"Somebody else changed this campaign at the same moment; it is {campaign.state} now."
        )


def _note(campaign: Campaign, because: str) -> None:
    db.session.execute(
        sa.update(Campaign)
        .where(Campaign.id == campaign.id, Campaign.state == CampaignState.SENDING)
        .values(held_because=because)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(campaign)
