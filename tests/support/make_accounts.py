"""Accounts, and a browser without a window that is signed in as one of them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mailer import accounts
from mailer.accounts import Account, Authenticated, Role
from mailer.foundation import context
from mailer.foundation.database import unit_of_work
from mailer.organisations import Organisation
from mailer.web import csrf

PASSWORD = "a bookshop by the river"


def make_account(
    organisation: Organisation,
    *,
    name: str = "Ada",
    address: str = "",
    role: Role = Role.OWNER,
) -> Account:
    """Somebody who works for `organisation` and signs in with PASSWORD."""
    address = address or f"{name.lower()}@books.example"
    with unit_of_work():
        account = accounts.find_account(address)
        account = account or accounts.create_account(name, address, PASSWORD)
        accounts.add_member(organisation, account, role)
    return account


class TeamClient(FlaskClient):
    """A browser on the team's host. `post` adds the token of the session, as our forms do."""

    __test__ = False

    @property
    def admin_url(self) -> str:
        return context.settings().admin_url

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", self.admin_url)
        return super().open(*args, **kwargs)

    def enter_as(self, account: Account) -> TeamClient:
        """Sign in without the page."""
        with unit_of_work():
            token, _session = accounts.start_session(Authenticated(account), "a test")
        self.set_cookie("session", token, domain=urlsplit(self.admin_url).hostname or "")
        return self

    def send(self, path: str, *, token: str | None = None, **fields: str) -> TestResponse:
        """POST a form of ours."""
        value = self.csrf_token() if token is None else token
        return self.post(path, data={csrf.FIELD: value, **fields})

    def csrf_token(self) -> str:
        return csrf_token_in(self.get("/admin/settings/account"))


def csrf_token_in(response: TestResponse) -> str:
    """The token of the first form of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', response.text)
    assert found, response.text[:500]
    return found.group(1)


def team_client(app: Flask, account: Account | None = None) -> TeamClient:
    """A browser on the team's host, signed in as `account` if given."""
    client = TeamClient(app, app.response_class, use_cookies=True)
    return client.enter_as(account) if account is not None else client
