"""Limits on the pace: for an organisation, as one of its senders, or to one destination."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer.destinations.hosting import read_domain
from mailer.destinations.models import LimitKind, ProviderDomain, SendingLimit
from mailer.destinations.providers import PROVIDERS
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotFound
from mailer.organisations import Organisation

MOST_PER_MINUTE = 10_000_000
MOST_AT_ONCE = 10_000
GROWTH = 1.5  # of the mails a day during warm-up


@dataclass(frozen=True, slots=True)
class LimitDraft:
    """What a team member sets. `subject` is a sender's public id, a destination, or empty."""

    kind: LimitKind
    subject: str
    per_minute: int | None
    at_once: int | None
    warm_up_first_day: int | None


def list_limits(organisation: Organisation) -> list[SendingLimit]:
    """All limits of an organisation: its own, its senders', its destinations'."""
    query = sa.select(SendingLimit).where(SendingLimit.organisation_id == organisation.id)
    rank = {kind: number for number, kind in enumerate(LimitKind)}
    return sorted(db.session.scalars(query), key=lambda one: (rank[one.kind], one.subject))


def set_limit(organisation: Organisation, draft: LimitDraft) -> SendingLimit:
    """Set a limit, or change the one there is for the same subject. Raises Invalid, by field.

    A warm-up that runs already goes on where it stands.
    """
    subject = _subject_of(draft)
    _check(draft)
    found = db.session.scalar(
        sa.select(SendingLimit).where(
            SendingLimit.organisation_id == organisation.id,
            SendingLimit.kind == draft.kind,
            SendingLimit.subject == subject,
        )
    )
    if found is None:
        found = SendingLimit(organisation_id=organisation.id, kind=draft.kind, subject=subject)
        db.session.add(found)
    found.per_minute, found.at_once = draft.per_minute, draft.at_once
    if draft.warm_up_first_day is None:
        found.warm_up_from = None
    elif found.warm_up_from is None or found.warm_up_first_day != draft.warm_up_first_day:
        found.warm_up_from = now()
    found.warm_up_first_day = draft.warm_up_first_day
    db.session.flush()
    return found


def remove_limit(organisation: Organisation, public_id: str) -> SendingLimit:
    """Take a limit away. Raises NotFound."""
    found = db.session.scalar(
        sa.select(SendingLimit).where(
            SendingLimit.organisation_id == organisation.id, SendingLimit.public_id == public_id
        )
    )
    if found is None:
        raise NotFound("There is no such limit any more.")
    db.session.delete(found)
    db.session.flush()
    return found


def list_all_limits() -> list[SendingLimit]:
    """The limits of everybody, for a worker."""
    return list(db.session.scalars(sa.select(SendingLimit)))


def rate_of(limit: SendingLimit, moment: datetime) -> float | None:
    """Mails a second that `limit` allows at `moment`, all workers together; None for as many as go.

    A warm-up spreads the mails of its day over the day; each day has half as many again (E-065).
    """
    rates = []
    if limit.per_minute is not None:
        rates.append(limit.per_minute / 60)
    if limit.warm_up_from is not None and limit.warm_up_first_day is not None:
        day = max(0, (moment - limit.warm_up_from) // timedelta(days=1))
        rates.append(limit.warm_up_first_day * GROWTH ** min(day, 60) / 86_400)
    return min(rates) if rates else None


def _subject_of(draft: LimitDraft) -> str:
    if draft.kind is LimitKind.ORGANISATION:
        return ""
    subject = draft.subject.strip()
    if draft.kind is LimitKind.SENDER:
        if not subject:
            raise _invalid("subject", "Please choose a sender.")
        return subject
    for one in PROVIDERS:
        if subject.lower() in (one.name, one.title.lower()):
            return one.name
    try:
        domain = read_domain(subject)
    except Invalid:
        raise _invalid(
            "subject", "Please give a domain such as example.org, or a provider's name as listed."
        ) from None
    # A domain of a provider stands for the provider, for its limits are the provider's.
    provider = db.session.get(ProviderDomain, domain)
    return provider.provider if provider is not None else domain


def _check(draft: LimitDraft) -> None:
    bounds = (
        ("per_minute", draft.per_minute, MOST_PER_MINUTE),
        ("at_once", draft.at_once, MOST_AT_ONCE),
        ("warm_up_first_day", draft.warm_up_first_day, MOST_PER_MINUTE),
    )
    for name, value, most in bounds:
        if value is not None and not 1 <= value <= most:
            raise _invalid(name, f"Please give a number from 1 to {most:,}, or leave it empty.")
    if draft.per_minute is draft.at_once is draft.warm_up_first_day is None:
        raise _invalid("per_minute", "Please give at least one number; else there is no limit.")


def _invalid(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, {name: sentence})
