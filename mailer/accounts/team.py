"""Who works for an organisation and in which role; there is always an owner."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from mailer.accounts.models import Account, TeamMember
from mailer.accounts.roles import Role
from mailer.accounts.sessions import end_sessions_of_member
from mailer.foundation import clock
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import NotAllowed, NotFound
from mailer.organisations import Organisation

LAST_OWNER = "An organisation needs an owner. Make somebody else an owner first."


@dataclass(frozen=True, slots=True)
class Colleague:
    """A team member with the account behind it."""

    member: TeamMember
    account: Account

    @property
    def name(self) -> str:
        """Theirs once they joined; before that as they were invited, for it is not ours to tell (S-009)."""
        return self.account.name if self.member.joined_at else self.member.invited_name

    @property
    def address(self) -> str:
        """Like `name`."""
        return self.account.address if self.member.joined_at else self.member.invited_address


def add_member(organisation: Organisation, account: Account, role: Role) -> TeamMember:
    """Make `account` work for `organisation` at once, without an invitation."""
    member = place_member(organisation, account, role)
    member.joined_at = member.joined_at or clock.now()
    db.session.flush()
    return member


def place_member(organisation: Organisation, account: Account, role: Role) -> TeamMember:
    """The membership of `account`, not yet joined unless it already was; one that ended begins anew."""
    member = db.session.scalar(
        sa.select(TeamMember).where(
            TeamMember.organisation_id == organisation.id, TeamMember.account_id == account.id
        )
    )
    if member is None:
        member = TeamMember(organisation_id=organisation.id, account_id=account.id, role=role)
        db.session.add(member)
    elif member.ended_at is not None:
        member.ended_at = member.joined_at = None
        member.role = role
    member.invited_at = clock.now()
    db.session.flush()
    return member


def list_members(organisation: Organisation) -> list[Colleague]:
    """Everybody who works for `organisation` or is invited to, by name."""
    query = (
        sa.select(TeamMember, Account)
        .join(Account, Account.id == TeamMember.account_id)
        .where(TeamMember.organisation_id == organisation.id, TeamMember.ended_at.is_(None))
        .order_by(TeamMember.id)
    )
    colleagues = [Colleague(member, account) for member, account in db.session.execute(query)]
    return sorted(colleagues, key=lambda one: one.name)


def get_member(organisation: Organisation, public_id: str) -> Colleague:
    """The member of `organisation` with this public id. Raises NotFound, also when the membership ended."""
    for colleague in list_members(organisation):
        if colleague.member.public_id == public_id:
            return colleague
    raise NotFound("There is no such team member here.")


def change_role(member: TeamMember, role: Role) -> TeamMember:
    """Give `member` another role, from the next request on. Raises NotAllowed for the last owner."""
    if role is not Role.OWNER:
        _keep_an_owner(member)
    member.role = role
    db.session.flush()
    return member


def end_membership(member: TeamMember) -> TeamMember:
    """Let `member` go, or withdraw the invitation; sessions end at once.

    Raises NotAllowed for the last owner.
    """
    _keep_an_owner(member)
    member.ended_at = member.ended_at or clock.now()
    end_sessions_of_member(member)
    db.session.flush()
    return member


def _keep_an_owner(member: TeamMember) -> None:
    # Two owners who remove each other at the same moment must not both succeed.
    serialise_on(f"team:{member.organisation_id}")
    if member.role is not Role.OWNER or member.joined_at is None:
        return
    others = db.session.scalar(
        sa.select(sa.func.count())
        .select_from(TeamMember)
        .where(
            TeamMember.organisation_id == member.organisation_id,
            TeamMember.id != member.id,
            TeamMember.role == Role.OWNER,
            TeamMember.joined_at.is_not(None),
            TeamMember.ended_at.is_(None),
        )
    )
    if not others:
        raise NotAllowed(LAST_OWNER)
