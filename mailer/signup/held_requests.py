"""Requests over a limit: the team sees how many came from where, and has them mailed or erased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer import transactional
from mailer.forms import Form, FormVersion
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db, serialise_on
from mailer.lists import get_list_by_id
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.signup.confirmation_mail import Invitation, write_confirmation
from mailer.signup.models import RequestState, SignupChoice, SignupRequest
from mailer.signup.retention import erase
from mailer.signup.submission import find_recent, may_mail
from mailer.suppression import Scope, find_blocked
from mailer.transactional import ReadyMail

MOST_NETWORKS = 20
MOST_DOMAINS = 4
_IS_HELD = sa.and_(SignupRequest.held_at.is_not(None), SignupRequest.state == RequestState.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGroup:
    """Held requests of one form and one network; `domains` are (domain, how many), most first."""

    network: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    domains: list[tuple[str, int]]


def count_held(organisation: Organisation) -> dict[int, int]:
    """How many requests are held, by the row id of the form they came through."""
    rows = db.session.execute(
        sa.select(FormVersion.form_id, sa.func.count())
        .join(SignupRequest, SignupRequest.form_version_id == FormVersion.id)
        .where(SignupRequest.organisation_id == organisation.id, _IS_HELD)
        .group_by(FormVersion.form_id)
    )
    return {row[0]: row[1] for row in rows}


def list_held(form: Form) -> list[HeldGroup]:
    """What is held of a form, by the network it came from; the largest groups first, at most MOST_NETWORKS."""
    count = sa.func.count()
    rows = db.session.execute(
        sa.select(
            SignupRequest.network_digest,
            count,
            sa.func.min(SignupRequest.held_at),
            sa.func.max(SignupRequest.held_at),
        )
        .where(_held_of(form))
        .group_by(SignupRequest.network_digest)
        .order_by(count.desc())
        .limit(MOST_NETWORKS)
    ).all()
    return [
        HeldGroup(
            network=network or "",
            count=number,
            first_at=first_at,
            last_at=last_at,
            domains=_domains(form, network or ""),
        )
        for network, number, first_at, last_at in rows
    ]


def release_held(form: Form, *, network: str = "", limit: int = 200) -> int:
    """Owe their confirmation mail to up to `limit` held requests, of one network or of all; returns how many.

    Who has asked again meanwhile and was mailed, or has blocked us, is not mailed: what was held of them is
    erased. The link is valid from now on.
    """
    held = _take_held(form, network, limit)
    serialise_on(*(f"signup:{request.mailbox_digest}" for request in held))
    people = [(one.organisation_id, one.address_digest or "") for one in held]
    blocked = find_blocked(people, scope=Scope.ALL_MAIL) if people else set()
    mails: list[ReadyMail] = []
    for request, person in zip(held, people, strict=True):
        if person in blocked or not _is_still_wanted(request):
            erase(request)
        else:
            mails.append(_release(request))
    transactional.plan_ready(mails)
    db.session.flush()
    return len(mails)


def erase_held(form: Form, *, network: str = "", limit: int = 500) -> int:
    """Erase up to `limit` held requests, of one network or of all; returns how many."""
    held = _take_held(form, network, limit)
    for request in held:
        erase(request)
    return len(held)


def _held_of(form: Form, network: str = "") -> sa.ColumnElement[bool]:
    versions = sa.select(FormVersion.id).where(FormVersion.form_id == form.id)
    held = sa.and_(_IS_HELD, SignupRequest.form_version_id.in_(versions))
    return sa.and_(held, SignupRequest.network_digest == network) if network else held


def _take_held(form: Form, network: str, limit: int) -> Sequence[SignupRequest]:
    return db.session.scalars(
        sa.select(SignupRequest)
        .where(_held_of(form, network))
        .order_by(SignupRequest.id)
        .limit(limit)
        .with_for_update()
    ).all()


def _domains(form: Form, network: str) -> list[tuple[str, int]]:
    addresses: Iterable[str | None] = db.session.scalars(
        sa.select(SignupRequest.address).where(_held_of(form, network))
    )
    counted = Counter((address or "").rpartition("@")[2] for address in addresses)
    return counted.most_common(MOST_DOMAINS)


def _is_still_wanted(request: SignupRequest) -> bool:
    mailbox, lists = request.mailbox_digest or "", frozenset(request.list_ids)
    recent = [row for row in find_recent([mailbox]).get(mailbox, []) if not row.is_held]
    return may_mail(request.organisation_id, lists, recent) and not lists <= _confirmed(request)


def _confirmed(request: SignupRequest) -> set[int | None]:
    """The lists that this address has confirmed since the request was held."""
    return set(
        db.session.scalars(
            sa.select(SignupChoice.mailing_list_id)
            .join(SignupRequest, SignupRequest.id == SignupChoice.request_id)
            .where(
                SignupRequest.organisation_id == request.organisation_id,
                SignupRequest.mailbox_digest == request.mailbox_digest,
                SignupRequest.state == RequestState.CONFIRMED,
                SignupRequest.settled_at > request.held_at,
            )
        )
    )


def _release(request: SignupRequest) -> ReadyMail:
    request.expires_at = now() + timedelta(days=settings().confirmation_days)
    request.held_at = None
    request.network_digest = None  # it took nothing from the limits, so it gives nothing back
    invitation = Invitation(
        request.public_id, request.address or "", request.address_digest or "", request.expires_at
    )
    lists = [get_list_by_id(list_id) for list_id in request.list_ids]
    organisation = get_organisation_by_id(request.organisation_id)
    return write_confirmation(organisation, invitation, lists)
