"""The press of the button: proofs are written and memberships begin, all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import rfc8785
import sqlalchemy as sa

from mailer import consent, contacts, subscriptions
from mailer.consent import About, ConsentRecord, ConsentSubject, Matter
from mailer.contacts import Contact, ContactDraft
from mailer.foundation.addresses import mask_address, parse_address
from mailer.foundation.clock import iso, now
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import LinkExpired, LinkInvalid
from mailer.foundation.tokens import Purpose, read_timed
from mailer.lists import MailingList, get_list_by_id
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.signup.models import RequestState, SignupRequest

_LONGEST_LIFE = timedelta(days=400)  # a link that old is refused unread; the row says what is valid
HUMAN_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShown:
    """What the page behind the link says: kept as it read, for leg (c)."""

    organisation: Organisation
    lists: list[MailingList]
    with_tracking: bool
    masked_address: str
    title: str
    sentence: str
    button: str

    @property
    def text(self) -> bytes:
        """The page's words in canonical form."""
        return rfc8785.dumps(
            {
                "organisation": self.organisation.legal_name,
                "lists": [mailing_list.name for mailing_list in self.lists],
                "with_tracking": self.with_tracking,
                "title": self.title,
                "sentence": self.sentence,
                "button": self.button,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmingAct:
    """Who pressed, as far as a web server can tell: leg (c) of the proof (C-043)."""

    method: str
    token_digest: str
    ip: str
    user_agent: str
    shown_at: datetime | None
    is_suspect: bool = False

    def leg(self, page: bytes) -> dict[str, Any]:
        """What is kept of it, with the words of the page in canonical form."""
        return {
            "method": self.method,
            "confirmed_at": iso(now()),
            "page_shown_at": iso(self.shown_at) if self.shown_at else None,
            "page_sha256": consent.store_text(page, "application/json"),
            "token_sha256": self.token_digest,
            "ip": self.ip,
            "user_agent": self.user_agent[:300],
            "is_automated_suspect": self.is_suspect,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What is recorded now; `is_new` is False when it had been confirmed before (C-030)."""

    contact: Contact
    organisation: Organisation
    lists: list[MailingList]
    with_tracking: bool
    confirmed_at: datetime
    requested_at: datetime
    mailed_at: str | None
    is_new: bool


def read_confirm_token(token: str) -> SignupRequest:
    """The request a link belongs to, whatever its state. Raises LinkInvalid."""
    payload = read_timed(Purpose.CONFIRM, token, max_age=_LONGEST_LIFE)
    request = db.session.scalar(
        sa.select(SignupRequest).where(SignupRequest.public_id == str(payload))
    )
    if request is None:
        raise LinkInvalid("This link belongs to no request we know.")
    return request


def page_of_request(request: SignupRequest) -> PageShown:
    """The words of the page with the button; one big button, nothing else to decide."""
    organisation = get_organisation_by_id(request.organisation_id)
    lists = _lists(request)
    names = ", ".join(f"“{mailing_list.name}”" for mailing_list in lists)
    return PageShown(
        organisation=organisation,
        lists=lists,
        with_tracking=any(choice.matter is Matter.TRACKING for choice in request.choices),
        masked_address=mask_address(request.address or ""),
        title="Confirm your subscription",
        sentence=f"{organisation.legal_name} will send {names} to this address.",
        button="Confirm my subscription",
    )


def confirm(request: SignupRequest, act: ConfirmingAct) -> Confirmed:
    """Record the consent and begin the memberships; a second press changes nothing (C-030).

    Raises LinkExpired when the link's time is over, LinkInvalid when the request was disputed or erased, or
    while the address is blocked.
    """
    db.session.refresh(request, with_for_update=True)
    if request.state is RequestState.CONFIRMED:
        return standing(request)
    if request.state is RequestState.DISPUTED:
        raise LinkInvalid("This address was blocked with “I did not ask for this”.")
    if request.state is RequestState.EXPIRED or request.expires_at <= now():
        raise LinkExpired("This link has expired.", request.public_id)
    organisation = get_organisation_by_id(request.organisation_id)
    digest = request.address_digest or ""
    serialise_on(f"block:{organisation.id}:{digest}")
    if subscriptions.is_blocked(organisation, digest):
        raise LinkInvalid("This address is blocked. Allow mail to it first, then confirm.")
    contact = _enter_contact(organisation, request)
    subject = consent.get_subject(contact.subject_id)
    evidence = _three_legs(request, act, subject)
    for choice in request.choices:
        about = _about(choice.mailing_list_id)
        asked = db.session.get_one(ConsentRecord, choice.record_id)
        proof = consent.record_given(subject, about, evidence, follows=asked)
        if about.mailing_list is not None:
            subscriptions.activate(contact, about.mailing_list, proof)
    request.state = RequestState.CONFIRMED
    request.settled_at = now()
    request.contact_id = contact.id
    request.network_digest = None
    db.session.flush()
    return _confirmed(request, is_new=True)


def standing(request: SignupRequest) -> Confirmed:
    """What a confirmed request brought about, for whoever presses or looks again."""
    return _confirmed(request, is_new=False)


def _enter_contact(organisation: Organisation, request: SignupRequest) -> Contact:
    answers: Mapping[str, Any] = request.answers
    draft = ContactDraft(
        address=parse_address(request.address or ""),
        first_name=answers.get("first_name", ""),
        last_name=answers.get("last_name", ""),
        language=request.language,
        fields=answers.get("fields", {}),
    )
    return contacts.get_or_create(organisation, draft, consent.get_subject(request.subject_id))


def _three_legs(
    request: SignupRequest, act: ConfirmingAct, subject: ConsentSubject
) -> dict[str, Any]:
    """Submission, confirmation mail and confirming act in one place (C-040)."""
    asked = consent.read_payload(db.session.get_one(ConsentRecord, request.choices[0].record_id))
    own = consent.get_subject(request.subject_id)
    bring_mail_along(request.mail_evidence, own, subject)
    return {
        "submission": (asked or {}).get("evidence"),
        "confirmation_mail": request.mail_evidence,
        "confirmation": act.leg(page_of_request(request).text),
    }


def bring_mail_along(
    mail: Mapping[str, Any] | None, own: ConsentSubject, subject: ConsentSubject
) -> None:
    """Keep the mail to somebody who was known already under their one key too, so that it goes with it."""
    if mail is not None and subject.id != own.id:
        consent.put_blob(subject, consent.get_blob(own, mail["sha256"]), "message/rfc822")


def _confirmed(request: SignupRequest, *, is_new: bool) -> Confirmed:
    mail = request.mail_evidence or {}
    return Confirmed(
        contact=db.session.get_one(Contact, request.contact_id),
        organisation=get_organisation_by_id(request.organisation_id),
        lists=_lists(request),
        with_tracking=any(choice.matter is Matter.TRACKING for choice in request.choices),
        confirmed_at=request.settled_at or now(),
        requested_at=request.requested_at,
        mailed_at=mail.get("answered_at"),
        is_new=is_new,
    )


def _lists(request: SignupRequest) -> list[MailingList]:
    return [get_list_by_id(list_id) for list_id in request.list_ids]


def _about(mailing_list_id: int | None) -> About:
    return consent.TRACKING if mailing_list_id is None else About(get_list_by_id(mailing_list_id))
