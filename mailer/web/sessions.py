"""The cookies of the team's side: the session, and what stands in for it before sign-in (S-006)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Response, request

from mailer import accounts
from mailer.accounts import SignedIn
from mailer.foundation.context import settings
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import TooMany, Unavailable
from mailer.foundation.networks import ip_prefix

LONGEST_COOKIE = 300


def given_token() -> str:
    """The session token the browser sent, or an empty string."""
    return _given("session")


def given_seed() -> str:
    """The value that stands in for a session before sign-in, or an empty string."""
    return _given("before")


def new_seed() -> str:
    """A fresh value for the time before sign-in."""
    return secrets.token_urlsafe(32)


def find_signed_in() -> SignedIn | None:
    """Who is signed in with the cookie of this request; notes that they are still there."""
    token = given_token()
    signed_in = accounts.session_of(token) if token else None
    if signed_in is None or not accounts.is_due_for_touch(signed_in.session):
        return signed_in
    try:
        with unit_of_work():
            accounts.touch_session(signed_in.session)
    except Unavailable:
        return accounts.session_of(token)  # a busy database must not keep anybody from reading
    return signed_in


def remember_session(response: Response, token: str) -> Response:
    """Have the browser keep `token` and forget the value from before sign-in."""
    _set(response, "session", token, timedelta(days=settings().session_days))
    return forget_seed(response)


def remember_seed(response: Response, seed: str) -> Response:
    """Have the browser keep the value for the time before sign-in."""
    return _set(response, "before", seed, timedelta(hours=12))


def forget_session(response: Response) -> Response:
    """Have the browser drop the session cookie."""
    return _drop(response, "session")


def forget_seed(response: Response) -> Response:
    """Have the browser drop the value from before sign-in."""
    return _drop(response, "before")


def given_device() -> str:
    """What this browser was given when somebody signed in here before, or an empty string."""
    return _given("device")


def remember_device(response: Response, token: str) -> Response:
    """Have the browser keep what makes it known at the next sign-in."""
    return _set(response, "device", token, timedelta(days=180))


@contextmanager
def noting_refusal(address: str, action: str) -> Iterator[None]:
    """Put on record that a password was refused inside, whatever the reason (S-010)."""
    try:
        yield
    except (accounts.WrongPassword, TooMany):
        with unit_of_work():
            accounts.note_refused_sign_in(address, action)
        raise


def visitor_network() -> str:
    """The network the request comes from: one IPv4 address, or an IPv6 /64 (S-030)."""
    return ip_prefix(request.remote_addr or "")


def user_agent() -> str:
    """What the browser calls itself, printable and short."""
    text = request.headers.get("User-Agent", "")
    if not text.isprintable():
        text = "".join(mark for mark in text if mark.isprintable())
    return text[:300]


def _name(name: str) -> str:
    # The prefix makes browsers refuse the cookie unless it is Secure, for this host alone and for every path.
    return f"__Host-{name}" if settings().is_production else name


def _given(name: str) -> str:
    value = request.cookies.get(_name(name), "")
    return value if len(value) <= LONGEST_COOKIE and value.isascii() else ""


def _set(response: Response, name: str, value: str, age: timedelta) -> Response:
    response.set_cookie(
        _name(name),
        value,
        max_age=age,
        path="/",
        secure=settings().is_production,
        httponly=True,
        samesite="Lax",
    )
    return response


def _drop(response: Response, name: str) -> Response:
    response.delete_cookie(
        _name(name), path="/", secure=settings().is_production, httponly=True, samesite="Lax"
    )
    return response
