"""What is never confirmed ends, and what requests hold of somebody who is erased goes; figures stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from mailer import consent, transactional
from mailer.contacts import Contact
from mailer.forms import Form, FormVersion
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.turns import Turn
from mailer.signup.models import RequestState, SignupRequest

CHUNK = 500


def expire_unconfirmed() -> int:
    """Erase requests whose link expired longer ago than the grace, for one turn; returns how many.

    The person's key goes with the payloads: without it no copy of a payload can be read. A backup of the
    whole database holds both until it ends itself.
    """
    ended_before = now() - timedelta(days=settings().unconfirmed_grace_days)
    due = db.session.scalars(
        sa.select(SignupRequest)
        .where(SignupRequest.state == RequestState.PENDING, SignupRequest.expires_at < ended_before)
        .order_by(SignupRequest.expires_at)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
    ).all()
    return _erase_some(due)


def count_waiting(form: Form) -> int:
    """How many requests through `form` wait for their confirmation."""
    query = sa.select(sa.func.count()).select_from(SignupRequest).where(_is_waiting(form))
    return db.session.scalar(query) or 0


def erase_waiting(form: Form) -> int:
    """Erase requests through `form` that wait, such as after an attack (S-034), for one turn.

    Mails not sent yet stay unsent; links already sent say that the request is gone. Returns how many.
    """
    waiting = db.session.scalars(
        sa.select(SignupRequest).where(_is_waiting(form)).limit(CHUNK).with_for_update()
    ).all()
    return _erase_some(waiting)


def _erase_some(requests: Sequence[SignupRequest]) -> int:
    """Erase these until the turn is over; returns how many."""
    count = 0
    for request in Turn().take(requests):
        erase(request)
        count += 1
    return count


def _is_waiting(form: Form) -> sa.ColumnElement[bool]:
    versions = sa.select(FormVersion.id).where(FormVersion.form_id == form.id)
    return sa.and_(
        SignupRequest.state == RequestState.PENDING, SignupRequest.form_version_id.in_(versions)
    )


def erase(request: SignupRequest) -> None:
    """End a request that nobody confirmed: what is personal goes with the key, unsent mail is cancelled."""
    transactional.forget_addressee(request.public_id)
    request.state = RequestState.EXPIRED
    request.settled_at = now()
    request.blank()
    request.address_digest = None
    db.session.flush()
    consent.erase_subject(consent.get_subject(request.subject_id))


def forget(contact: Contact) -> list[int]:
    """Erase address, answers and mail evidence from every request of a person, confirmed or not (C-092).

    Returns the row ids of the subjects these requests stand under in the ledger. A disputed request keeps
    the digest of its address: only its own link can take the block back (C-083).
    """
    same_address = SignupRequest.address_digest == contact.address_digest
    if contact.address:  # the index stands on the mailbox
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
        request.blank()
        if request.state is not RequestState.DISPUTED:
            request.address_digest = None
    db.session.flush()
    return sorted({request.subject_id for request in requests})
