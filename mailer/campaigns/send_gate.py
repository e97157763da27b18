"""The one rule that says whether a campaign's mail may go to a person now (C-061, C-082).

Written as SQL, so that the statement that claims deliveries and the one that counts an audience before the
start hold the same words. Where it stands, `d` names a campaign, a contact and a list, `c` is the contact,
`s` the membership, and `r` the consent that it cites.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from mailer.campaigns.states import Against
from mailer.foundation import driver

AGAIN_SOON = timedelta(minutes=10)  # when another mail to this person is in somebody's hand

# Of `e`, a line of the view: this suppression stands against the consent (C-082).
SUPPRESSES: Final = """
  e.organisation_id = c.organisation_id AND e.address_digest = c.address_digest AND e.consent_id = r.id"""
IS_SUPPRESSED: Final = f"EXISTS (SELECT 1 FROM suppressed_consents e WHERE {SUPPRESSES})"  # noqa: S608  # constants
GATE_COLUMNS: Final = f"""
  CASE
    WHEN c.erased_at IS NOT NULL OR c.address IS NULL THEN 'erased'
    WHEN c.restricted_at IS NOT NULL THEN 'restricted'
    WHEN r.id IS NULL THEN 'withdrawn'
    WHEN {IS_SUPPRESSED} THEN 'suppressed'
  END,
  c.paused_until,
  c.mail_interval_days,
  CASE WHEN c.mail_interval_days IS NOT NULL THEN (
    SELECT MAX(o.settled_at) FROM deliveries o
    WHERE o.contact_id = d.contact_id AND o.campaign_id <> d.campaign_id
      AND o.state IN ('accepted', 'uncertain')
  ) END,
  CASE WHEN c.mail_interval_days IS NOT NULL THEN (
    SELECT COUNT(*) FROM deliveries o
    WHERE o.contact_id = d.contact_id AND o.campaign_id <> d.campaign_id AND (
      o.state = 'claimed' OR (o.state = 'planned' AND o.due_at IS NULL AND EXISTS (
        SELECT 1 FROM sending_batches b
        WHERE b.campaign_id = o.campaign_id
          AND o.contact_id > b.after_contact_id AND o.contact_id <= b.through_contact_id
      ))
    )
  ) END"""  # noqa: S608  # made of constants
GATE_TABLES: Final = """
JOIN contacts c ON c.id = d.contact_id
LEFT JOIN subscriptions s ON s.contact_id = d.contact_id
  AND s.mailing_list_id = d.mailing_list_id AND s.state = 'active'
LEFT JOIN standing_consents r ON r.id = s.proof_id
"""


@dataclass(frozen=True, slots=True)
class Held:
    """Not now: the person asked for a pause or for less mail. `reason` is what a later skip would say."""

    reason: Against
    until: datetime


def verdict_of(gate: Any, moment: datetime) -> Against | Held | None:
    """What speaks at `moment` against a row whose GATE_COLUMNS are these; None lets it go."""
    against, paused_until, days, last_mail_at, in_hand = gate
    if against is not None:
        return Against(against)
    if paused_until is not None and (until := driver.moment_out(paused_until)) > moment:
        return Held(Against.PAUSED, until)
    if days is not None:
        if last_mail_at is not None:
            until = driver.moment_out(last_mail_at) + timedelta(days=days)
            if until > moment:
                return Held(Against.TOO_OFTEN, until)
        if in_hand:
            return Held(Against.TOO_OFTEN, moment + AGAIN_SOON)
    return None
