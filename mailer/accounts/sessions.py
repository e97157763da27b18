"""Sessions: found by the digest of their token, ended by idleness, age, or somebody's wish (S-006)."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from mailer.accounts.models import Account, AccountSession, TeamMember
from mailer.accounts.signed_in import SignedIn
from mailer.foundation import clock, tokens
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.organisations import Organisation

TOUCH_EVERY = timedelta(minutes=1)


def session_of(token: str) -> SignedIn | None:
    """Who holds `token`; None when it is unknown, ended, idle for too long, too old, or not a member's."""
    query = (
        sa.select(AccountSession, Account, TeamMember, Organisation)
        .join(Account, Account.id == AccountSession.account_id)
        .join(Organisation, Organisation.id == AccountSession.organisation_id)
        .join(
            TeamMember,
            sa.and_(
                TeamMember.account_id == AccountSession.account_id,
                TeamMember.organisation_id == AccountSession.organisation_id,
                TeamMember.joined_at.is_not(None),
                TeamMember.ended_at.is_(None),
            ),
        )
        .where(AccountSession.token_digest == tokens.digest(token), *_is_live())
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    session, account, member, organisation = row
    return SignedIn(account, member, organisation, session)


def is_due_for_touch(session: AccountSession) -> bool:
    """Whether it is a minute or more since we noted that this session is in use."""
    return clock.now() - session.last_seen_at >= TOUCH_EVERY


def touch_session(session: AccountSession) -> None:
    """Note that `session` is in use now."""
    session.last_seen_at = clock.now()
    db.session.flush()


def sign_out(session: AccountSession) -> None:
    """End `session`."""
    session.ended_at = session.ended_at or clock.now()
    db.session.flush()


def list_sessions(account: Account) -> list[AccountSession]:
    """The live sessions of `account`, the one used last first."""
    query = sa.select(AccountSession).where(AccountSession.account_id == account.id, *_is_live())
    return list(db.session.scalars(query.order_by(AccountSession.last_seen_at.desc())))


def end_session(account: Account, public_id: str) -> AccountSession:
    """End one session of `account`. Raises NotFound."""
    session = db.session.scalar(
        sa.select(AccountSession).where(
            AccountSession.account_id == account.id, AccountSession.public_id == public_id
        )
    )
    if session is None:
        raise NotFound("There is no such session.")
    sign_out(session)
    return session


def end_other_sessions(session: AccountSession) -> int:
    """End every other session of the same account; returns how many."""
    others = db.session.scalars(
        sa.select(AccountSession).where(
            AccountSession.account_id == session.account_id,
            AccountSession.id != session.id,
            AccountSession.ended_at.is_(None),
        )
    ).all()
    for other in others:
        sign_out(other)
    return len(others)


def end_sessions_of_member(member: TeamMember) -> None:
    """End every session of a member for that organisation."""
    for session in db.session.scalars(
        sa.select(AccountSession).where(
            AccountSession.account_id == member.account_id,
            AccountSession.organisation_id == member.organisation_id,
            AccountSession.ended_at.is_(None),
        )
    ):
        sign_out(session)


def switch_organisation(session: AccountSession, public_id: str) -> Organisation:
    """Have `session` work for another organisation of the same account. Raises NotFound."""
    organisation = db.session.scalar(
        sa.select(Organisation)
        .join(TeamMember, TeamMember.organisation_id == Organisation.id)
        .where(
            Organisation.public_id == public_id,
            TeamMember.account_id == session.account_id,
            TeamMember.joined_at.is_not(None),
            TeamMember.ended_at.is_(None),
        )
    )
    if organisation is None:
        raise NotFound("There is no such organisation among yours.")
    session.organisation_id = organisation.id
    db.session.flush()
    return organisation


def _is_live() -> tuple[sa.ColumnElement[bool], ...]:
    now = clock.now()
    return (
        AccountSession.ended_at.is_(None),
        AccountSession.created_at > now - timedelta(days=settings().session_days),
        AccountSession.last_seen_at > now - timedelta(hours=settings().session_idle_hours),
    )
