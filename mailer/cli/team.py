"""Commands about who works here."""

from __future__ import annotations

import argparse
import secrets
import sys

from mailer import accounts, organisations
from mailer.accounts import Role
from mailer.app import create_app
from mailer.foundation.database import unit_of_work
from mailer.foundation.settings import Settings


def create_owner(given: argparse.Namespace) -> int:
    """Make an organisation and its owner; print the password when it was made up here."""
    piped = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    password = piped or secrets.token_urlsafe(15)
    with create_app(Settings.from_environment()).app_context(), unit_of_work():
        organisation = organisations.create_organisation(given.organisation)
        account = accounts.create_account(given.name, given.address, password)
        accounts.add_member(organisation, account, Role.OWNER)
    print(f"{given.address} can sign in for {given.organisation}.")
    if not piped:
        print(f"Password: {password}")
    return 0
