"""Sending again, because somebody decides so: mails whose fate nobody knows, and people who were left out.

A person has one row in a campaign, and it is planned again; consent and everything else is asked anew.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from mailer.campaigns import REACHED, Campaign, CampaignState, judge, reopen
from mailer.consent import stands
from mailer.contacts import Contact
from mailer.delivery.outcomes import is_about_us
from mailer.delivery.states import DeliveryState, SkipReason
from mailer.delivery.tables import DELIVERIES
from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed
from mailer.suppression import Reason, SuppressionEntry

_C = DELIVERIES.c
_MAY_PASS = (
    SkipReason.PAUSED,
    SkipReason.TOO_OFTEN,
    SkipReason.RESTRICTED,
    SkipReason.UNRENDERABLE,
)
_STARTED = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.SENT)
_AGAIN = """
UPDATE deliveries
SET state = 'planned', skip_reason = NULL, owner = NULL, attempts = 0, first_tried_at = NULL, settled_at = NULL,
  due_at = ?
WHERE id = ? AND state IN ('skipped', 'refused')
"""


def resend_uncertain(campaign: Campaign, contact_ids: Collection[int] | None = None) -> int:
    """Plan mails again whose fate nobody knows, all or those to some contacts; returns how many.

    Somebody decided so and takes it that a few people get the mail twice (E-093). Consent is asked again
    as for everybody else. A campaign that was sent is being sent again until they are settled. Raises
    NotAllowed when the campaign was cancelled.
    """
    _refuse_cancelled(campaign)
    query = sa.update(DELIVERIES).where(
        _C.campaign_id == campaign.id, _C.state == DeliveryState.UNCERTAIN
    )
    if contact_ids is not None:
        query = query.where(_C.contact_id.in_(contact_ids))
    changed = db.session.execute(
        query.values(
            state=DeliveryState.PLANNED,
            owner=None,
            due_at=now(),
            first_tried_at=None,
            may_have_arrived_at=_C.settled_at,
            settled_at=None,
        )
    )
    count = int(getattr(changed, "rowcount", 0))
    if count and campaign.state is CampaignState.SENT:
        reopen(campaign)
    return count


def count_left_out(campaign: Campaign) -> int:
    """How many `resend_left_out` would send to now."""
    return len(_list_left_out(campaign))


def resend_left_out(campaign: Campaign) -> int:
    """Plan mails again to those who were left out for a reason that has passed, or was ours; returns how many.

    These are people who had paused, wanted less mail, were restricted, lacked a value or had bounced, and for
    whom nothing of that speaks now; and those whom the relay refused, or was given up for, because of us
    (E-082). Never those who withdrew, are suppressed, or may have had the mail. Raises NotAllowed when
    the campaign was cancelled or has not begun.
    """
    _refuse_cancelled(campaign)
    if campaign.state not in _STARTED:
        raise NotAllowed("This campaign has not begun. Send it first.")
    at = driver.moment_in(now())
    ids = _list_left_out(campaign)
    driver.execute_each(_AGAIN, [(at, one) for one in ids])
    if ids and campaign.state is CampaignState.SENT:
        reopen(campaign)
    return len(ids)


def _list_left_out(campaign: Campaign) -> list[int]:
    """The deliveries of people who may be sent to after all, judged as claiming will judge them."""
    refused = db.session.execute(
        sa.select(_C.id, _C.reply_code, _C.reply_text).where(
            _C.campaign_id == campaign.id, _C.state == DeliveryState.REFUSED
        )
    )
    not_ours = {one for one, code, text in refused if not is_about_us(code, text)}
    # A bounce may pass; whatever else suppressed the address was the person's wish.
    is_wish = sa.exists().where(
        Contact.id == _C.contact_id,
        SuppressionEntry.organisation_id == Contact.organisation_id,
        SuppressionEntry.address_digest == Contact.address_digest,
        SuppressionEntry.reason != Reason.BOUNCE,
    )
    people = sa.select(_C.id, _C.campaign_id, _C.contact_id, _C.mailing_list_id).where(
        _C.campaign_id == campaign.id,
        _C.may_have_arrived_at.is_(None),
        sa.or_(
            _C.state == DeliveryState.REFUSED,
            sa.and_(
                _C.state == DeliveryState.SKIPPED,
                sa.or_(
                    _C.skip_reason.in_(_MAY_PASS),
                    sa.and_(_C.skip_reason == SkipReason.SUPPRESSED, ~is_wish),
                ),
            ),
        ),
        stands(_C.consent_record_id),
    )
    judged = judge(campaign, people, "d.id")
    return [one for place, one in judged if place == REACHED and one not in not_ours]


def _refuse_cancelled(campaign: Campaign) -> None:
    if campaign.state is CampaignState.CANCELLED:
        raise NotAllowed("This campaign was cancelled; nothing of it is sent any more.")
