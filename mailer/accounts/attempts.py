"""How often a password may be tried, wherever one is asked for (S-004): one limiter for all places.

Only wrong passwords count. Whoever signed in before in this browser has a limit of their own, so nobody else
can keep them out. Everybody else is counted by account and network, and by network alone. Once an account saw
many wrong passwords in a day, each network has a few tries a day: guessing from many networks is slowed, and
still nobody is kept out from a network of their own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from mailer.accounts.models import Account
from mailer.accounts.passwords import is_right
from mailer.foundation import tokens
from mailer.foundation.addresses import parse_address
from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid, LinkInvalid, TooMany
from mailer.foundation.throttle import Limit, give_back, is_within

ATTEMPTS_PER_ADDRESS = 10  # for an account from one network, or from one known browser
ATTEMPTS_PER_NETWORK = 60  # for all accounts together
WINDOW_SECONDS = 900
FAILURES_A_DAY = 100  # of one account from unknown browsers; from then on it is careful
CAREFUL_ATTEMPTS_A_DAY = 3  # for such an account from one network
DAY_SECONDS = 86_400
DEVICE_LIFE = timedelta(days=180)

TOO_MANY = "There were too many attempts with a wrong password. Please wait a quarter of an hour."


class WrongPassword(Invalid):
    """The password is not that of the account."""


def check_password(
    account: Account | None, address: str, password: str, *, network: str = "", device: str = ""
) -> None:
    """Return when `password` is that of `account`; takes as long when there is no account (S-032).

    `device` is what `device_token` gave the browser. Raises WrongPassword, and TooMany over the limits.
    """
    held = _count(account, address, network, device)
    if not is_right(password, account.password_hash if account else None):
        raise WrongPassword("This is not the password of the account.")
    give_back(held)


def device_token(account: Account) -> str:
    """What a browser keeps to be known again once its user has signed in; it opens nothing."""
    return tokens.sign_timed(tokens.Purpose.DEVICE, [account.public_id, secrets.token_urlsafe(9)])


def _count(account: Account | None, address: str, network: str, device: str) -> list[Limit]:
    """Count one attempt; returns what was counted. Raises TooMany."""
    who = _address_key(account.address if account else address)
    known = _known_device(account, device)
    if known:
        choices = [[Limit(f"password:device:{who}:{known}", ATTEMPTS_PER_ADDRESS, WINDOW_SECONDS)]]
    else:
        place = _keyed(network)
        near = [Limit(f"password:{who}:{place}", ATTEMPTS_PER_ADDRESS, WINDOW_SECONDS)]
        if network:
            near.append(Limit(f"password:{place}", ATTEMPTS_PER_NETWORK, WINDOW_SECONDS))
        careful = Limit(f"password:careful:{who}:{place}", CAREFUL_ATTEMPTS_A_DAY, DAY_SECONDS)
        choices = [
            [*near, Limit(f"password:{who}", FAILURES_A_DAY, DAY_SECONDS)],
            [*near, careful],
        ]
    for limits in choices:
        if is_within(limits):
            return limits
    raise TooMany(TOO_MANY, retry_after=WINDOW_SECONDS)


def _known_device(account: Account | None, device: str) -> str:
    """The name of the browser if `account` signed in there before, else nothing."""
    if account is None or not device:
        return ""
    try:
        named, name = tokens.read_timed(tokens.Purpose.DEVICE, device, max_age=DEVICE_LIFE)
    except (LinkInvalid, TypeError, ValueError):
        return ""
    return str(name) if named == account.public_id else ""


def _address_key(address: str) -> str:
    try:
        return parse_address(address).digest
    except Invalid:
        return _keyed(address)


def _keyed(text: str) -> str:
    key = settings().address_pepper.encode()
    return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
