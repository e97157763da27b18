"""A new password for somebody who forgot theirs: by a link that is mailed to the account's address."""

from __future__ import annotations

import hashlib

from mailer import accounts
from mailer.access.letters import find_post, plan_account_letter, tell_password_changed
from mailer.accounts import Account
from mailer.foundation import tokens
from mailer.foundation.addresses import parse_address
from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid, LinkInvalid
from mailer.foundation.throttle import Limit, is_within
from mailer.organisations import imprint_lines
from mailer.rendering import Letter, render_letter

MAILS_AN_HOUR = 4
ASKED_PER_NETWORK_HOUR = 20
HOUR_SECONDS = 3600
USED = "This link was used already, or a newer password was set since. Ask for another on the sign-in page."


def mail_reset(address: str, *, network: str = "") -> None:
    """Owe the account with this address a link to a new password, if there is one and limits allow.

    Says nothing about it, and does the same work in both cases (S-032).
    """
    account = accounts.find_account(address)
    if account is not None and account.password_hash is None:
        account = None
    if not is_within(_limits(address, network)):
        return
    post = find_post(account) if account else None
    if account is None or post is None:
        accounts.note(None, None, "was asked for a new password", "")
        render_letter(_letter("nobody", "nobody"))
        return
    organisation, sender = post
    for _member, each in accounts.list_memberships(account):
        accounts.note(each, None, "was asked for a new password", account.public_id)
    token = tokens.sign_timed(
        tokens.Purpose.PASSWORD_RESET, [account.public_id, _state_of(account)]
    )
    letter = _letter(token, "\n".join(imprint_lines(organisation)))
    plan_account_letter(account, organisation, sender, letter)


def read_reset(token: str) -> Account:
    """Whose password a link replaces. Raises LinkExpired, and LinkInvalid once it was used."""
    payload = tokens.read_timed(tokens.Purpose.PASSWORD_RESET, token, max_age=accounts.RESET_LIFE)
    try:
        public_id, state = payload
    except (TypeError, ValueError):
        raise LinkInvalid(USED) from None
    account = accounts.get_account(str(public_id))
    if account is None or _state_of(account) != state:
        raise LinkInvalid(USED)
    return account


def reset_password(token: str, new: str) -> None:
    """Give the account behind `token` a new password; every session ends, and a mail tells of it.

    Raises Invalid with a message for `password`, or like `read_reset`.
    """
    account = read_reset(token)
    accounts.set_password(account, new, by=account)
    tell_password_changed(account)


def _state_of(account: Account) -> str:
    """Changes with each new password, so a link works once."""
    return hashlib.sha256((account.password_hash or "").encode()).hexdigest()[:24]


def _limits(address: str, network: str) -> list[Limit]:
    try:
        who = parse_address(address).digest
    except Invalid:
        who = "none"
    limits = [Limit(f"reset:{who}", MAILS_AN_HOUR, HOUR_SECONDS)]
    if network:
        limits.append(Limit(f"reset:network:{network}", ASKED_PER_NETWORK_HOUR, HOUR_SECONDS))
    return limits


def _letter(token: str, imprint: str) -> Letter:
    return Letter(
        subject="A new password",
        paragraphs=(
            f"Somebody, probably you, asked for a new password at {settings().admin_url}.",
            "Behind the link you choose one. Until then the old password stays as it is.",
        ),
        action=("Choose a new password", f"{settings().admin_url}/admin/new-password/{token}"),
        after=("The link works once, for one hour. If it was not you, there is nothing to do.",),
        imprint=imprint,
        language="en",
    )
