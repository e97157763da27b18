"""The statement that asks about many deliveries at once: the send gate, and what a mail is made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from mailer.campaigns import GATE_COLUMNS, GATE_TABLES, verdict_of
from mailer.foundation import driver
from mailer.foundation.clock import now

LONGEST_HOLD = timedelta(hours=1)  # then it is asked again, for a pause may have been ended

# Of deliveries in their first turn. Written so that PostgreSQL does not go by the index of states, which
# finds all that is planned and not the next few.
IS_FIRST = "(d.state || '') = 'planned' AND d.due_at IS NULL"
# Columns 1 to 5 are the gate, the rest is what a mail is made of.
_COLUMNS = f"""
SELECT d.id,{GATE_COLUMNS},
  d.consent_record_id, s.proof_id, r.recorded_at, d.attempts, c.public_id, c.address, c.first_name,
  c.last_name, c.language, CAST(c.fields AS text), d.mailing_list_id, d.contact_id, d.destination,
  d.first_tried_at, s.origin, CAST(s.origin_facts AS text)"""
# Where clicks are counted, two more: the consent that was found when it was planned, and whether it stands.
_COUNTED = """,
  d.tracking_record_id,
  CASE WHEN d.tracking_record_id IS NOT NULL THEN
    EXISTS (SELECT 1 FROM standing_consents e WHERE e.id = d.tracking_record_id)
  END"""
_TABLES = f"\nFROM deliveries d{GATE_TABLES}"
SELECT = _COLUMNS + _TABLES
SELECT_COUNTED = _COLUMNS + _COUNTED + _TABLES


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
            if verdict_of(row[1:6], moment) is not None:
                yield row[0]
