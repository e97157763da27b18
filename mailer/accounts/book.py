"""The accounts there are, and where they work."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.accounts.models import Account, TeamMember
from mailer.accounts.passwords import check_new_password, hash_password
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid
from mailer.foundation.parsing import Answers
from mailer.organisations import Organisation


def create_account(name: str, address: str, password: str | None = None) -> Account:
    """A new account; without a password until its invitation is accepted.

    An address that was only invited is not taken: the account becomes that of whoever is made here.

    Raises Invalid with a message per field (`name`, `address`, `password`).
    """
    answers = Answers({"name": name, "address": address})
    name = answers.line("name", required=True)
    address = answers.address("address", required=True)
    answers.check()
    account = find_account(address)
    if account is not None and account.password_hash is not None:
        raise Invalid(
            "Please correct the fields marked below.",
            {"address": "There is an account with this address already."},
        )
    if account is None:
        account = Account(address_normal=parse_address(address).normal)
    account.name, account.address = name, address
    if password is not None:
        check_new_password(password)
        account.password_hash = hash_password(password)
    db.session.add(account)
    db.session.flush()
    return account


def find_account(address: str) -> Account | None:
    """The account with this address, compared in normal form; None also when it is no address."""
    try:
        normal = parse_address(address).normal
    except Invalid:
        return None
    return db.session.scalar(sa.select(Account).where(Account.address_normal == normal))


def get_account(public_id: str) -> Account | None:
    """The account with this public id."""
    return db.session.scalar(sa.select(Account).where(Account.public_id == public_id))


def list_memberships(account: Account) -> list[tuple[TeamMember, Organisation]]:
    """Where `account` works now, by the organisation's name."""
    query = (
        sa.select(TeamMember, Organisation)
        .join(Organisation, Organisation.id == TeamMember.organisation_id)
        .where(
            TeamMember.account_id == account.id,
            TeamMember.joined_at.is_not(None),
            TeamMember.ended_at.is_(None),
        )
        .order_by(Organisation.name, Organisation.id)
    )
    return [(member, organisation) for member, organisation in db.session.execute(query)]
