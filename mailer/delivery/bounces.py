"""Bounces: a mailbox that does not exist is not mailed by the next campaign (E-083).

A bounce is no withdrawal: consent and memberships stay as they are (E-087).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailer.delivery.outcomes import is_about_the_address
from mailer.foundation import driver
from mailer.foundation.addresses import parse_address
from mailer.suppression import Bounce, suppress_bounced, take_back_bounces
from mailer.transactional import MessageKind, TransactionalMessage
from mailer.transport import Outcome

_SLICE = 500  # marks for values in one statement
_REFUSED = """
SELECT c.organisation_id, c.address_digest, d.settled_at, r.recorded_at
FROM deliveries d
JOIN contacts c ON c.id = d.contact_id
JOIN consent_records r ON r.id = d.consent_record_id
WHERE d.state = 'refused' AND c.address_digest IS NOT NULL AND d.id IN
"""
_TO_SUBSCRIBERS = (MessageKind.CONFIRMATION, MessageKind.PERMISSION)


def note_bounces(delivery_ids: Sequence[int]) -> None:
    """Suppress the addresses of deliveries that were refused just now, because there is no such mailbox."""
    for bounces in _read(delivery_ids):
        suppress_bounced(bounces)


def take_back(delivery_ids: Sequence[int]) -> None:
    """The refusals of these deliveries are none of the reader's: what they suppressed is lifted again."""
    for bounces in _read(delivery_ids):
        take_back_bounces(bounces)


def note_service_bounce(message: TransactionalMessage, outcome: Outcome) -> None:
    """Suppress the address that a mail asking for consent went to, when there is no such mailbox."""
    if message.kind in _TO_SUBSCRIBERS and is_about_the_address(outcome):
        digest = parse_address(message.to_address).digest
        suppress_bounced([Bounce(message.organisation_id, digest, outcome.at)])


def _read(delivery_ids: Sequence[int]) -> Iterator[list[Bounce]]:
    """What the refusals of these deliveries would be as bounces, some hundred at a time."""
    for at in range(0, len(delivery_ids), _SLICE):
        ids = tuple(delivery_ids[at : at + _SLICE])
        rows = driver.execute(f"{_REFUSED} ({driver.marks(len(ids))})", ids).fetchall()
        yield [
            Bounce(organisation, digest, driver.moment_out(settled), driver.moment_out(given))
            for organisation, digest, settled, given in rows
        ]
