"""Who is signed in."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.accounts.models import Account, AccountSession, TeamMember
from mailer.organisations import Organisation


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, for whom, and through which session."""

    account: Account
    member: TeamMember
    organisation: Organisation
    session: AccountSession
