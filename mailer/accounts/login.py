"""Signing in: the same answer, in similar time, whatever was wrong (S-004, S-006)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from mailer.accounts.audit import note
from mailer.accounts.book import find_account, list_memberships
from mailer.accounts.models import Account, AccountSession
from mailer.accounts.passwords import check_new_password, hash_password, is_outdated, is_right
from mailer.accounts.sessions import end_other_sessions, list_sessions, sign_out
from mailer.foundation import clock, tokens
from mailer.foundation.addresses import parse_address
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed, TooMany
from mailer.foundation.throttle import Limit, is_within
from mailer.organisations import Organisation

ATTEMPTS_PER_ADDRESS = 10
ATTEMPTS_PER_NETWORK = 60
WINDOW_SECONDS = 900

REFUSED = "The address and the password do not belong together."
NO_ORGANISATION = "Your account belongs to no organisation any more. Ask an owner to invite you."


@dataclass(frozen=True, slots=True)
class Authenticated:
    """An account whose password was right; `renewed_hash` replaces an outdated one."""

    account: Account
    renewed_hash: str | None = None


def authenticate(address: str, password: str, *, network: str = "") -> Authenticated:
    """The account that `address` and `password` belong to; reads only, so hashing holds no lock.

    Attempts are counted per address and, when given, per `network`. Raises Invalid with one
    sentence for every reason, TooMany over the limits.
    """
    _count_attempt(address, network)
    account = find_account(address)
    fits = is_right(password, account.password_hash if account else None)
    if account is None or account.password_hash is None or not fits:
        raise Invalid(REFUSED)
    renewed = hash_password(password) if is_outdated(account.password_hash) else None
    return Authenticated(account, renewed)


def start_session(who: Authenticated, user_agent: str) -> tuple[str, AccountSession]:
    """A new session for the organisation used last; the token is returned once and kept as a digest only.

    Raises NotAllowed when the account works for nobody.
    """
    account = who.account
    organisation = _organisation_used_last(account)
    if who.renewed_hash:
        account.password_hash = who.renewed_hash
    token = secrets.token_urlsafe(32)
    session = AccountSession(
        account_id=account.id,
        organisation_id=organisation.id,
        token_digest=tokens.digest(token),
        user_agent=user_agent[:300],
    )
    db.session.add(session)
    db.session.flush()
    note(organisation, account, "signed in", session.public_id)
    return token, session


def sign_in(address: str, password: str, user_agent: str) -> tuple[str, AccountSession]:
    """Both steps at once: check the password, start a session. Raises like both."""
    return start_session(authenticate(address, password), user_agent)


def note_refused_sign_in(address: str) -> None:
    """Put a refused attempt on record, without the address, for each organisation it concerned (S-010)."""
    account = find_account(address)
    if account is None:
        note(None, None, "was refused a sign-in", "")
        return
    for _member, organisation in list_memberships(account):
        note(organisation, account, "was refused a sign-in", account.public_id)


def change_password(session: AccountSession, current: str, new: str) -> None:
    """Give the account of `session` a new password and end its other sessions (S-006).

    Raises Invalid with a message for `current` or `password`.
    """
    account = db.session.get_one(Account, session.account_id)
    _count_attempt(account.address, "")
    if not is_right(current, account.password_hash):
        raise Invalid(
            "Please correct the fields marked below.",
            {"current": "This is not your present password."},
        )
    check_new_password(new)
    account.password_hash = hash_password(new)
    account.password_changed_at = clock.now()
    end_other_sessions(session)


def set_password(account: Account, new: str) -> None:
    """Give `account` a new password on an operator's word and end all its sessions.

    Raises Invalid with a message for `password`.
    """
    check_new_password(new)
    account.password_hash = hash_password(new)
    account.password_changed_at = clock.now()
    for session in list_sessions(account):
        sign_out(session)
    for _member, organisation in list_memberships(account):
        note(organisation, None, "set a new password for an account", account.public_id)


def _organisation_used_last(account: Account) -> Organisation:
    organisations = [organisation for _member, organisation in list_memberships(account)]
    if not organisations:
        raise NotAllowed(NO_ORGANISATION)
    last = db.session.scalar(
        sa.select(AccountSession.organisation_id)
        .where(AccountSession.account_id == account.id)
        .order_by(AccountSession.id.desc())
        .limit(1)
    )
    return next((one for one in organisations if one.id == last), organisations[0])


def _count_attempt(address: str, network: str) -> None:
    limits = [Limit(f"sign-in:{_address_key(address)}", ATTEMPTS_PER_ADDRESS, WINDOW_SECONDS)]
    if network:
        limits.append(Limit(f"sign-in:{_keyed(network)}", ATTEMPTS_PER_NETWORK, WINDOW_SECONDS))
    if not is_within(limits):
        raise TooMany(
            "There were too many attempts to sign in. Please wait a quarter of an hour.",
            retry_after=WINDOW_SECONDS,
        )


def _address_key(address: str) -> str:
    try:
        return parse_address(address).digest
    except Invalid:
        return _keyed(address)


def _keyed(text: str) -> str:
    key = settings().address_pepper.encode()
    return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
