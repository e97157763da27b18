"""What pages ask about requests."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer.contacts import Contact
from mailer.forms import Form, FormVersion, UsedLimits, get_version_by_id
from mailer.foundation.addresses import mask_address, mask_addresses, parse_address
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.paging import Cursor, Page, page_of
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.signup.models import RequestState, SignupChoice, SignupRequest
from mailer.transactional import MessageState, TransactionalMessage


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that waits for its confirmation, with what became of its mail."""

    public_id: str
    masked_address: str
    requested_at: datetime
    expires_at: datetime
    list_names: list[str]
    mail_state: MessageState | None
    mail_reply: str
    is_held: bool


def list_pending(organisation: Organisation, cursor: Cursor) -> Page[PendingRequest]:
    """One page of requests that wait, newest first; never counted as subscribers (C-029)."""
    query = sa.select(SignupRequest).where(
        SignupRequest.organisation_id == organisation.id,
        SignupRequest.state == RequestState.PENDING,
    )
    page = page_of(query, SignupRequest, cursor)
    names = _list_names([request.id for request in page.rows])
    mails = _mails([request.public_id for request in page.rows])
    rows = []
    for request in page.rows:
        mail = mails.get(request.public_id)
        rows.append(
            PendingRequest(
                public_id=request.public_id,
                masked_address=mask_address(request.address or ""),
                requested_at=request.requested_at,
                expires_at=request.expires_at,
                list_names=names.get(request.id, []),
                mail_state=mail.state if mail else None,
                is_held=request.held_at is not None,
                mail_reply=mask_addresses(_reply_of(mail), request.address) if mail else "",
            )
        )
    return Page(rows=rows, older=page.older, newer=page.newer)


def _reply_of(mail: TransactionalMessage) -> str:
    return f"{mail.reply_code or ''} {mail.reply_text}".strip()


def subjects_of(contact: Contact) -> list[int]:
    """Every subject a contact stands under in the ledger: their own and those of their requests."""
    asked = db.session.scalars(
        sa.select(SignupRequest.subject_id).where(SignupRequest.contact_id == contact.id)
    )
    return sorted({contact.subject_id, *asked})


def find_used_limits(request: SignupRequest) -> UsedLimits | None:
    """What a request that waits took from the limits of its hour; None when they do not count it any more."""
    is_recent = request.requested_at > now() - timedelta(hours=2)
    if request.state is not RequestState.PENDING or not request.network_digest or not is_recent:
        return None
    version = get_version_by_id(request.form_version_id)
    form = db.session.get_one(Form, version.form_id)
    return UsedLimits(
        mailbox=request.mailbox_digest or "",
        network=request.network_digest,
        domain=parse_address(request.address or "").domain,
        form=form.public_id,
    )


def find_request(public_id: str) -> SignupRequest | None:
    """The request with this public id, whatever its state."""
    return db.session.scalar(sa.select(SignupRequest).where(SignupRequest.public_id == public_id))


def form_url(request: SignupRequest) -> str:
    """The hosted page of the form a request came through."""
    form = db.session.scalar(
        sa.select(Form)
        .join(FormVersion, FormVersion.form_id == Form.id)
        .where(FormVersion.id == request.form_version_id)
    )
    return f"{settings().public_url}/f/{form.public_id}" if form else settings().public_url


def _list_names(request_ids: Collection[int]) -> dict[int, list[str]]:
    query = (
        sa.select(SignupChoice.request_id, MailingList.name)
        .join(MailingList, MailingList.id == SignupChoice.mailing_list_id)
        .where(SignupChoice.request_id.in_(request_ids))
        .order_by(SignupChoice.id)
    )
    names: dict[int, list[str]] = {}
    for request_id, name in db.session.execute(query):
        names.setdefault(request_id, []).append(name)
    return names


def _mails(references: Collection[str]) -> dict[str, TransactionalMessage]:
    query = (
        sa.select(TransactionalMessage)
        .where(TransactionalMessage.reference.in_(references))
        .order_by(TransactionalMessage.id)
    )
    return {message.reference: message for message in db.session.scalars(query)}
