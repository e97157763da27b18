"""Signing in: the same answer, in similar time, whatever was wrong (S-004, S-006)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from mailer.accounts.attempts import WrongPassword, check_password
from mailer.accounts.audit import note
from mailer.accounts.book import find_account, list_memberships
from mailer.accounts.models import Account, AccountSession
from mailer.accounts.passwords import check_new_password, hash_password, is_outdated
from mailer.accounts.sessions import end_other_sessions, list_sessions, sign_out
from mailer.foundation import tokens
from mailer.foundation.database import db
from mailer.foundation.errors import NotAllowed
from mailer.organisations import Organisation

RESET_LIFE = timedelta(hours=1)
REFUSED = "The address and the password do not belong together."
NO_ORGANISATION = "Your account belongs to no organisation any more. Ask an owner to invite you."


@dataclass(frozen=True, slots=True)
class Authenticated:
    """An account whose password was right; `renewed_hash` replaces an outdated one."""

    account: Account
    renewed_hash: str | None = None


def authenticate(
    address: str, password: str, *, network: str = "", device: str = ""
) -> Authenticated:
    """The account that `address` and `password` belong to; reads only, so hashing holds no lock.

    Raises WrongPassword with one sentence for every reason, TooMany as `check_password` does.
    """
    account = find_account(address)
    try:
        check_password(account, address, password, network=network, device=device)
    except WrongPassword:
        raise WrongPassword(REFUSED) from None
    if account is None or account.password_hash is None:
        raise WrongPassword(REFUSED)
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


def note_refused_sign_in(address: str, action: str = "was refused a sign-in") -> None:
    """Put a refused attempt on record, without the address, for each organisation it concerned (S-010)."""
    account = find_account(address)
    if account is None:
        note(None, None, action, "")
        return
    for _member, organisation in list_memberships(account):
        note(organisation, account, action, account.public_id)


def change_password(
    session: AccountSession, current: str, new: str, *, network: str = "", device: str = ""
) -> None:
    """Give the account of `session` a new password and end its other sessions (S-006).

    Raises WrongPassword with a message for `current`, Invalid with one for `password`, TooMany.
    """
    account = db.session.get_one(Account, session.account_id)
    try:
        check_password(account, account.address, current, network=network, device=device)
    except WrongPassword:
        raise WrongPassword(
            "Please correct the fields marked below.",
            {"current": "This is not your present password."},
        ) from None
    check_new_password(new)
    account.password_hash = hash_password(new)
    end_other_sessions(session)


def set_password(account: Account, new: str, *, by: Account | None = None) -> None:
    """Give `account` a new password and end all its sessions, on an operator's word, or `by` its owner.

    Raises Invalid with a message for `password`.
    """
    check_new_password(new)
    account.password_hash = hash_password(new)
    for session in list_sessions(account):
        sign_out(session)
    action = "set a new password by mail" if by else "set a new password for an account"
    for _member, organisation in list_memberships(account):
        note(organisation, by, action, account.public_id)


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
