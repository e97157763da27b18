"""Invitations: a signed link that lets one person join one organisation, once, within a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer.accounts.audit import note
from mailer.accounts.book import create_account, find_account
from mailer.accounts.models import Account, TeamMember
from mailer.accounts.passwords import check_new_password, hash_password, is_right
from mailer.accounts.roles import Role
from mailer.accounts.team import place_member
from mailer.foundation import clock, tokens
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, LinkExpired, LinkInvalid
from mailer.foundation.parsing import Answers
from mailer.organisations import Organisation, get_organisation_by_id

VALID_FOR = timedelta(days=7)
USED = "This invitation was used already. You can sign in with your address and password."
WITHDRAWN = "This invitation was withdrawn or replaced by a newer one. Ask for another."
OVER = "This invitation is over: it was valid for 7 days. Ask for another."


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the owner hands over: `token` goes into the link, `until` is when it ends."""

    member: TeamMember
    account: Account
    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """Who opened an invitation; somebody with an account proves it with the password they have."""

    member: TeamMember
    account: Account
    organisation: Organisation

    @property
    def has_password(self) -> bool:
        return self.account.password_hash is not None


def invite_member(
    organisation: Organisation, by: Account, name: str, address: str, role: Role
) -> Invitation:
    """Invite somebody, or invite them anew, which ends the older link.

    Raises Invalid with a message per field (`name`, `address`).
    """
    account = find_account(address) or create_account(name, address)
    member = place_member(organisation, account, role)
    if member.joined_at is not None:
        raise Invalid(
            "Please correct the fields marked below.",
            {"address": "Somebody with this address is on the team already."},
        )
    member.role = role
    note(organisation, by, "invited a team member", member.public_id, role=role.value)
    return _invitation(member, account)


def invitation_of(member: TeamMember) -> Invitation | None:
    """The invitation that `member` has not accepted yet; None once joined."""
    if member.joined_at is not None or member.ended_at is not None:
        return None
    return _invitation(member, db.session.get_one(Account, member.account_id))


def read_invitation(token: str) -> Invited:
    """Who the invitation in `token` is for. Raises LinkExpired, or LinkInvalid when used or withdrawn."""
    payload = tokens.read_timed(tokens.Purpose.INVITATION, token, max_age=VALID_FOR)
    try:
        public_id, issue = payload
    except (TypeError, ValueError):
        raise LinkInvalid(WITHDRAWN) from None
    row = db.session.execute(
        sa.select(TeamMember, Account)
        .join(Account, Account.id == TeamMember.account_id)
        .where(TeamMember.public_id == public_id)
    ).one_or_none()
    if row is None or row[0].ended_at is not None or _issue(row[0]) != issue:
        raise LinkInvalid(WITHDRAWN)
    member, account = row
    if member.joined_at is not None:
        raise LinkInvalid(USED)
    if clock.now() > member.invited_at + VALID_FOR:
        raise LinkExpired(OVER)
    return Invited(member, account, get_organisation_by_id(member.organisation_id))


def accept_invitation(token: str, password: str, *, name: str = "") -> Invited:
    """Join: choose a name and a password, or, with an account, give the password it has.

    Whoever invites must not be able to take over an existing account, so a link alone never changes a password.
    Raises Invalid with a message per field (`name`, `password`), or like `read_invitation`.
    """
    invited = read_invitation(token)
    account = invited.account
    if invited.has_password:
        if not is_right(password, account.password_hash):
            raise Invalid(
                "Please correct the fields marked below.",
                {"password": "This is not the password of your account."},
            )
    else:
        answers = Answers({"name": name or account.name})
        account.name = answers.line("name", required=True)
        answers.check()
        check_new_password(password)
        account.password_hash = hash_password(password)
        account.password_changed_at = clock.now()
    invited.member.joined_at = clock.now()
    db.session.flush()
    note(invited.organisation, account, "joined the team", invited.member.public_id)
    return invited


def _invitation(member: TeamMember, account: Account) -> Invitation:
    token = tokens.sign_timed(tokens.Purpose.INVITATION, [member.public_id, _issue(member)])
    return Invitation(member, account, token, member.invited_at + VALID_FOR)


def _issue(member: TeamMember) -> int:
    return int(member.invited_at.timestamp() * 1000)
