"""A stranger used the address: no further mail goes there, and the record of it stays (C-032, S-035)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mailer import consent, subscriptions, transactional
from mailer.consent import ConsentRecord
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import LinkInvalid
from mailer.foundation.tokens import Purpose, read_lasting, sign_lasting
from mailer.organisations import get_organisation_by_id
from mailer.signup.models import RequestState, SignupRequest
from mailer.suppression import Reason, Scope, find_blocking, suppress


@dataclass(frozen=True, slots=True)
class DisputeLink:
    """What a "this wasn't me" link names: the request, and the digest of the address it was mailed to.

    The link brings the digest along, so that it works after the request was erased here; None when neither
    has it any more.
    """

    request: SignupRequest
    digest: str | None

    @property
    def is_blocked(self) -> bool:
        """Whether no mail at all goes to the address."""
        organisation = get_organisation_by_id(self.request.organisation_id)
        return subscriptions.is_blocked(organisation, self.digest)


def sign_dispute_link(request_id: str, digest: str | None) -> str:
    """The token for "this wasn't me"; it never expires. Takes a public id and the digest of the address."""
    return sign_lasting(Purpose.NOT_ME, request_id, *([digest] if digest else []))


def read_dispute_token(token: str) -> DisputeLink:
    """What a "this wasn't me" link belongs to. Raises LinkInvalid."""
    parts = read_lasting(Purpose.NOT_ME, token)
    request = db.session.scalar(sa.select(SignupRequest).where(SignupRequest.public_id == parts[0]))
    if request is None:
        raise LinkInvalid("This link belongs to no request we know.")
    return DisputeLink(request, parts[1] if len(parts) > 1 else request.address_digest)


def dispute(link: DisputeLink, evidence: Mapping[str, Any]) -> bool:
    """Stop all mail to the address, end every consent of the request that still stands, keep the record.

    Works in any order with other acts of the person, and saying it twice is saying it once. Returns whether
    the address is blocked now: not when the request was erased and its link does not bring the digest along.
    """
    request = link.request
    db.session.refresh(request, with_for_update=True)
    digest = link.digest or request.address_digest
    if digest is None:
        return False
    organisation = get_organisation_by_id(request.organisation_id)
    serialise_on(f"block:{organisation.id}:{digest}")
    if find_blocking(organisation, digest, scope=Scope.ALL_MAIL) is None:
        suppress(organisation, digest, scope=Scope.ALL_MAIL, reason=Reason.NOT_ME)
    if request.state is RequestState.DISPUTED or request.address_digest is None:
        return True
    if request.state is RequestState.CONFIRMED:
        contact = db.session.get_one(Contact, request.contact_id)
        subscriptions.invalidate_answers(
            contact, [choice.record_id for choice in request.choices], evidence
        )
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
    return True
