"""A stranger used the address: no further mail goes there, and the record of it stays (C-032, S-035)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa

from mailer import consent, subscriptions, transactional
from mailer.consent import ALLOWS_SENDING, ConsentRecord
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import LinkInvalid
from mailer.foundation.tokens import Purpose, read_lasting
from mailer.organisations import get_organisation_by_id
from mailer.signup.models import SignupRequest
from mailer.signup.states import RequestState
from mailer.suppression import Reason, Scope, find_blocking, lift, suppress


def read_dispute_token(token: str) -> SignupRequest:
    """The request a "this wasn't me" link belongs to. Raises LinkInvalid."""
    parts = read_lasting(Purpose.NOT_ME, token)
    request = db.session.scalar(sa.select(SignupRequest).where(SignupRequest.public_id == parts[0]))
    if request is None:
        raise LinkInvalid("This link belongs to no request we know.")
    return request


def dispute(request: SignupRequest, evidence: Mapping[str, Any]) -> None:
    """Stop all mail to the address of `request`, end what it brought about, keep the record.

    Saying it twice is saying it once. Once the request is erased there is nothing left to block.
    """
    db.session.refresh(request, with_for_update=True)
    if request.address_digest is None:
        return
    organisation = get_organisation_by_id(request.organisation_id)
    if find_blocking(organisation, request.address_digest, scope=Scope.ALL_MAIL) is None:
        suppress(organisation, request.address_digest, scope=Scope.ALL_MAIL, reason=Reason.NOT_ME)
    if request.state is RequestState.DISPUTED:
        return
    if request.state is RequestState.CONFIRMED:
        _undo_confirmation(request, evidence)
    else:
        for choice in request.choices:
            asked = db.session.get_one(ConsentRecord, choice.record_id)
            consent.record_invalidated(
                asked, {**evidence, "confirmation_mail": request.mail_evidence}
            )
    request.state = RequestState.DISPUTED
    request.settled_at = now()
    request.address = None
    request.answers = {}
    request.network_digest = None
    request.held_at = None
    request.mail_evidence = None  # it stands in the record, under the person's key
    transactional.forget_addressee(request.public_id)
    db.session.flush()


def take_back_dispute(request: SignupRequest) -> bool:
    """The same link, used again, allows mail once more (C-083); nothing is subscribed by it."""
    if request.address_digest is None:
        return False
    organisation = get_organisation_by_id(request.organisation_id)
    return lift(organisation, request.address_digest, reason=Reason.NOT_ME) > 0


def _undo_confirmation(request: SignupRequest, evidence: Mapping[str, Any]) -> None:
    contact = db.session.get_one(Contact, cast("int", request.contact_id))
    asked = [choice.record_id for choice in request.choices]
    given = db.session.scalars(
        sa.select(ConsentRecord).where(
            ConsentRecord.follows_id.in_(asked), ConsentRecord.state.in_(ALLOWS_SENDING)
        )
    ).all()
    for record in given:
        subscriptions.invalidate(contact, record, evidence)
