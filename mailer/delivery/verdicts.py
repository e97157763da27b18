"""May this mail go to this person now? Asked in one statement for many, the same wherever it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailer.delivery.states import SkipReason
from mailer.foundation import driver
from mailer.foundation.clock import now

AGAIN_SOON = timedelta(minutes=10)  # when another mail to this person is in somebody's hand
LONGEST_HOLD = timedelta(hours=1)  # then it is asked again, for a pause may have been ended

# Of deliveries in their first turn. Written so that PostgreSQL does not go by the index of states, which
# finds all that is planned and not the next few.
IS_FIRST = "(d.state || '') = 'planned' AND d.due_at IS NULL"
# Columns 0 to 5 are the verdict, the rest is what a mail is made of.
_COLUMNS = """
SELECT d.id,
  CASE
    WHEN c.erased_at IS NOT NULL OR c.address IS NULL THEN 'erased'
    WHEN c.restricted_at IS NOT NULL THEN 'restricted'
    WHEN s.proof_id IS NULL
      OR EXISTS (SELECT 1 FROM consent_records e WHERE e.ends_id = s.proof_id) THEN 'withdrawn'
    WHEN EXISTS (
      SELECT 1 FROM suppression_entries e
      WHERE e.organisation_id = c.organisation_id AND e.address_digest = c.address_digest
        AND e.lifted_at IS NULL
        AND (e.scope = 'all_mail' OR (e.scope = 'marketing' AND e.created_at >= r.recorded_at))
    ) THEN 'suppressed'
  END,
  c.paused_until,
  c.mail_interval_days,
  CASE WHEN c.mail_interval_days IS NOT NULL THEN (
    SELECT MAX(o.settled_at) FROM deliveries o
    WHERE o.contact_id = d.contact_id AND o.id <> d.id AND o.state IN ('accepted', 'uncertain')
  ) END,
  CASE WHEN c.mail_interval_days IS NOT NULL THEN (
    SELECT COUNT(*) FROM deliveries o
    WHERE o.contact_id = d.contact_id AND o.id <> d.id AND (
      o.state = 'claimed' OR (o.state = 'planned' AND o.due_at IS NULL AND EXISTS (
        SELECT 1 FROM sending_batches b
        WHERE b.campaign_id = o.campaign_id
          AND o.contact_id > b.after_contact_id AND o.contact_id <= b.through_contact_id
      ))
    )
  ) END,
  d.consent_record_id, s.proof_id, r.recorded_at, d.attempts, c.public_id, c.address, c.first_name,
  c.last_name, c.language, CAST(c.fields AS text), d.mailing_list_id, d.contact_id, d.destination,
  d.first_tried_at"""
# Where clicks are counted, two more: the consent that was found when it was planned, and whether it stands.
_COUNTED = """,
  d.tracking_record_id,
  CASE WHEN d.tracking_record_id IS NOT NULL THEN
    NOT EXISTS (SELECT 1 FROM consent_records e WHERE e.ends_id = d.tracking_record_id)
  END"""
_TABLES = """
FROM deliveries d
JOIN contacts c ON c.id = d.contact_id
LEFT JOIN subscriptions s ON s.contact_id = d.contact_id
  AND s.mailing_list_id = d.mailing_list_id AND s.state = 'active'
LEFT JOIN consent_records r ON r.id = s.proof_id
"""
SELECT = _COLUMNS + _TABLES
SELECT_COUNTED = _COLUMNS + _COUNTED + _TABLES


@dataclass(frozen=True, slots=True)
class Held:
    """Not now: the person asked for a pause or for less mail. `reason` is what a later skip would say."""

    reason: SkipReason
    until: datetime


def verdict_of(row: Any, moment: datetime) -> SkipReason | Held | None:
    """What speaks against a row of SELECT at `moment`; None lets it go."""
    against, paused_until, days, last_mail_at, in_hand = row[1:6]
    if against is not None:
        return SkipReason(against)
    if paused_until is not None and (until := driver.moment_out(paused_until)) > moment:
        return Held(SkipReason.PAUSED, until)
    if days is not None:
        if last_mail_at is not None:
            until = driver.moment_out(last_mail_at) + timedelta(days=days)
            if until > moment:
                return Held(SkipReason.TOO_OFTEN, until)
        if in_hand:
            return Held(SkipReason.TOO_OFTEN, moment + AGAIN_SOON)
    return None


def list_refused(owner: str) -> Iterator[int]:
    """The ids of the deliveries in `owner`'s hand that must not go, all of them asked once more."""
    moment = now()
    driver.prefer(off="seqscan hashjoin mergejoin bitmapscan sort")
    for query in (
        SELECT + " JOIN sending_batches b ON b.campaign_id = d.campaign_id"
        " AND d.contact_id > b.after_contact_id AND d.contact_id <= b.through_contact_id"
        f" WHERE b.owner = ? AND {IS_FIRST}",
        SELECT + " WHERE d.owner = ? AND d.state = 'claimed'",
    ):
        for row in driver.execute(query, (owner,)):
            if verdict_of(row, moment) is not None:
                yield row[0]
