"""Looking again while mails are on their way: what has changed since they were claimed.

Asked several times a second at full speed, so it asks what is new instead of asking about everybody in
hand: consents that ended, suppressions, people who were erased, restricted or paused. Every few seconds
everybody in hand is asked about once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from mailer.delivery.recipients import Recipient
from mailer.delivery.verdicts import list_refused
from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Unavailable

OVERLAP = timedelta(seconds=60)  # of clocks that differ; changed people are told of for so long
ROWS_BEFORE = 500  # numbers are given before the commit: so many back are looked at again

# Kind and number: of a contact, of a record of consent, of a campaign.
_LOOK = """
SELECT 'ended', r.id FROM contacts c
  JOIN standing_consents r ON r.subject_id = c.subject_id
  JOIN suppressed_consents e ON e.organisation_id = c.organisation_id
    AND e.address_digest = c.address_digest AND e.consent_id = r.id
  WHERE e.entry_id > ?
UNION ALL SELECT 'stopped', id FROM contacts WHERE erased_at > ?
UNION ALL SELECT 'stopped', id FROM contacts WHERE restricted_at > ?
UNION ALL SELECT 'stopped', id FROM contacts WHERE paused_at > ? AND paused_until > ?
UNION ALL SELECT 'ended', ends_id FROM consent_records WHERE id > ? AND ends_id IS NOT NULL
UNION ALL SELECT 'sending', id FROM campaigns WHERE state = 'sending'
UNION ALL SELECT 'owner', 0 FROM sending_owners WHERE owner = ?
"""
_NEWEST = (
    "SELECT COALESCE((SELECT MAX(id) FROM consent_records), 0),"
    " COALESCE((SELECT MAX(id) FROM suppression_entries), 0)"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What may go on at this moment: campaigns being sent; and what speaks against mails in hand.

    `is_owner`: whether the worker has a lease. One that has people in hand and no lease was given up.
    """

    sending: frozenset[int]
    ended: frozenset[int] = (
        frozenset()
    )  # consent records that ended, or that a suppression outranks
    stopped: frozenset[int] = frozenset()  # contacts
    is_owner: bool = True

    def allows(self, recipient: Recipient) -> bool:
        """Whether nothing found out here speaks against a mail."""
        if recipient.campaign_id not in self.sending:
            return False
        if recipient.consent_record_id in self.ended:
            return False
        return recipient.contact_id not in self.stopped


class Lookout:
    """Remembers from where on a worker has to look. Made anew for each run."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._newest: tuple[int, int] | None = None

    def look(self) -> Standing:
        """What pause, cancel, withdrawal, suppression, restriction and erasure have changed lately.

        Reads outside of any unit of work, on a connection of its own, so that it sees the newest state.
        Raises Unavailable.
        """
        try:
            with db.engine.connect() as connection:
                return self._look(connection)
        except OperationalError as error:
            raise Unavailable("The database does not answer just now.") from error

    def look_at_everybody(self) -> frozenset[int]:
        """The deliveries in hand that must not go, asked about one by one; inside a unit of work."""
        newest = _newest_rows(db.session.connection())
        refused = frozenset(list_refused(self.owner))
        self._newest = newest
        return refused

    def _look(self, connection: sa.Connection) -> Standing:
        if self._newest is None:
            self._newest = _newest_rows(connection)
        is_postgresql = connection.dialect.name == "postgresql"
        if is_postgresql:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        moment = now()
        since, at = (
            driver.moment_for(one, is_postgresql=is_postgresql)
            for one in (moment - OVERLAP, moment)
        )
        record, entry = self._newest
        values = (entry, since, since, since, at, record, self.owner)
        sending, ended, stopped, is_owner = set(), set(), set(), False
        for kind, number in connection.exec_driver_sql(
            driver.marked(_LOOK, is_postgresql=is_postgresql), values
        ):
            if kind == "sending":
                sending.add(number)
            elif kind == "ended":
                ended.add(number)
            elif kind == "stopped":
                stopped.add(number)
            else:
                is_owner = True
        return Standing(frozenset(sending), frozenset(ended), frozenset(stopped), is_owner)


def _newest_rows(connection: sa.Connection) -> tuple[int, int]:
    record, entry = connection.exec_driver_sql(_NEWEST).one()
    return max(0, record - ROWS_BEFORE), max(0, entry - ROWS_BEFORE)
