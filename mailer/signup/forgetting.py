"""What requests hold of a person goes when the person is erased."""

from __future__ import annotations

import sqlalchemy as sa

from mailer import transactional
from mailer.contacts import Contact
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.signup.models import SignupRequest
from mailer.signup.states import RequestState


def forget(contact: Contact) -> list[int]:
    """Erase address, answers and mail evidence from every request of a person, confirmed or not (C-092).

    Returns the row ids of the subjects these requests stand under in the ledger. A disputed request keeps
    the digest of its address: only its own link can take the block back (C-083).
    """
    same_address = SignupRequest.address_digest == contact.address_digest
    if (
        contact.address
    ):  # the index stands on the mailbox; rows older than it hold the address there
        mailboxes = {contact.address_digest, parse_address(contact.address).mailbox_digest}
        same_address = sa.and_(SignupRequest.mailbox_digest.in_(mailboxes), same_address)
    requests = db.session.scalars(
        sa.select(SignupRequest).where(
            SignupRequest.organisation_id == contact.organisation_id,
            sa.or_(
                SignupRequest.contact_id == contact.id,
                same_address,
            ),
        )
    ).all()
    for request in requests:
        transactional.forget_addressee(request.public_id)
        if request.state is RequestState.PENDING:
            request.state = RequestState.EXPIRED
            request.settled_at = now()
        request.address = None
        if request.state is not RequestState.DISPUTED:
            request.address_digest = None
        request.mailbox_digest = None
        request.network_digest = None
        request.held_at = None
        request.answers = {}
        request.mail_evidence = None
    db.session.flush()
    return sorted({request.subject_id for request in requests})
