"""Commands about who works here."""

from __future__ import annotations

import argparse
import secrets
import sys

from mailer import access, accounts, organisations
from mailer.accounts import Role
from mailer.app import create_app
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotFound
from mailer.foundation.settings import Settings


def create_owner(given: argparse.Namespace) -> int:
    """Make an organisation and its owner; print the password when it was made up here."""
    password, is_made_up = _password()
    with create_app(Settings.from_environment()).app_context(), unit_of_work():
        organisation = organisations.create_organisation(given.organisation)
        account = accounts.create_account(given.name, given.address, password)
        accounts.add_member(organisation, account, Role.OWNER)
    print(f"{given.address} can sign in for {given.organisation}.")
    if is_made_up:
        print(f"Password: {password}")
    return 0


def set_password(given: argparse.Namespace) -> int:
    """Give an account a new password and end its sessions: for somebody who forgot theirs."""
    password, is_made_up = _password()
    with create_app(Settings.from_environment()).app_context(), unit_of_work():
        account = accounts.find_account(given.address)
        if account is None:
            raise NotFound(f"Nobody signs in with {given.address}.")
        accounts.set_password(account, password)
        access.tell_password_changed(account)
    print(f"{given.address} has a new password and is signed out everywhere.")
    if is_made_up:
        print(f"Password: {password}")
    return 0


def _password() -> tuple[str, bool]:
    """The line given on standard input, or a made-up password; and whether it was made up."""
    piped = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    return (piped, False) if piped else (secrets.token_urlsafe(15), True)
