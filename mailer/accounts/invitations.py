"""Invitations: a signed link that lets one person join one organisation, once, within a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer.accounts.attempts import WrongPassword, check_password
from mailer.accounts.audit import note
from mailer.accounts.book import create_account, find_account
from mailer.accounts.models import Account, TeamMember
from mailer.accounts.passwords import check_new_password, hash_password
from mailer.accounts.roles import Role
from mailer.accounts.team import place_member
from mailer.foundation import clock, tokens
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, LinkExpired, LinkInvalid
from mailer.foundation.parsing import Answers
from mailer.organisations import Organisation, get_organisation_by_id

INVITATION_LIFE = timedelta(days=7)
USED = "This invitation was used already. You can sign in with your address and password."
WRONG = (
    "This password cannot be used here. If you have an account with this address, give the password you "
    "sign in with; if you forgot it, ask for a new one on the sign-in page, then open this link again."
)
WITHDRAWN = "This invitation was withdrawn or replaced. Look for a newer mail, or ask for another."
OVER = "This invitation is over: it was valid for 7 days. Ask for another."


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is mailed to the invited: `token` goes into the link, `until` is when it ends."""

    member: TeamMember
    account: Account
    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """Who opened an invitation. Whether they have an account is told to nobody who has only the link."""

    member: TeamMember
    account: Account
    organisation: Organisation


def invite_member(
    organisation: Organisation, by: Account, name: str, address: str, role: Role
) -> Invitation:
    """Invite somebody, or invite them anew, which ends the older link.

    Raises Invalid with a message per field (`name`, `address`).
    """
    answers = Answers({"name": name, "address": address})
    name, address = answers.line("name", required=True), answers.address("address", required=True)
    answers.check()
    account = find_account(address) or create_account(name, address)
    member = place_member(organisation, account, role)
    if member.joined_at is not None:
        raise Invalid(
            "Please correct the fields marked below.",
            {"address": "Somebody with this address is on the team already."},
        )
    member.role = role
    member.invited_name, member.invited_address = name, address
    db.session.flush()
    note(organisation, by, "invited a team member", member.public_id, role=role.value)
    return _invitation(member, account)


def invitation_of(member: TeamMember) -> Invitation | None:
    """The invitation that `member` has not accepted yet; None once joined."""
    if member.joined_at is not None or member.ended_at is not None:
        return None
    return _invitation(member, db.session.get_one(Account, member.account_id))


def read_invitation(token: str) -> Invited:
    """Who the invitation in `token` is for. Raises LinkExpired, or LinkInvalid when used or withdrawn."""
    payload = tokens.read_timed(tokens.Purpose.INVITATION, token, max_age=INVITATION_LIFE)
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
    if clock.now() > member.invited_at + INVITATION_LIFE:
        raise LinkExpired(OVER)
    return Invited(member, account, get_organisation_by_id(member.organisation_id))


def accept_invitation(
    token: str, password: str, *, name: str = "", network: str = "", device: str = ""
) -> Invited:
    """Join: choose a name and a password, or, with an account, give the password it has.

    Whoever invites must not be able to take over an existing account, so a link alone never changes a password.
    Raises Invalid with a message per field (`name`, `password`), WrongPassword and TooMany as
    `check_password` does, or like `read_invitation`.
    """
    invited = read_invitation(token)
    account = invited.account
    answers = Answers({"name": name or invited.member.invited_name})
    name = answers.line("name", required=True)
    answers.check()
    check_new_password(password)  # for an account, too: the answer must not tell one from none
    if account.password_hash is not None:
        try:
            check_password(account, account.address, password, network=network, device=device)
        except WrongPassword:
            raise WrongPassword(
                "Please correct the fields marked below.", {"password": WRONG}
            ) from None
    else:
        account.name, account.address = name, invited.member.invited_address or account.address
        account.password_hash = hash_password(password)
    invited.member.joined_at = clock.now()
    db.session.flush()
    note(invited.organisation, account, "joined the team", invited.member.public_id)
    return invited


def _invitation(member: TeamMember, account: Account) -> Invitation:
    token = tokens.sign_timed(tokens.Purpose.INVITATION, [member.public_id, _issue(member)])
    return Invitation(member, account, token, member.invited_at + INVITATION_LIFE)


def _issue(member: TeamMember) -> int:
    return int(member.invited_at.timestamp() * 1000)
