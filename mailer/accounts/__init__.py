"""Who works here: accounts, the teams they belong to, their sessions, and the record of what they did.

In: an address with a password, or the token of a session. Out: who that is, for which organisation, with which
rights. Always: passwords are kept as argon2id hashes and tokens as digests; every organisation
keeps an owner; nobody enters an organisation that did not invite them.
"""

from mailer.accounts.attempts import WrongPassword, device_token
from mailer.accounts.audit import HELD_BACK, AuditLine, list_audit, list_noted, note
from mailer.accounts.book import create_account, find_account, get_account, list_memberships
from mailer.accounts.invitations import (
    INVITATION_LIFE,
    Invitation,
    Invited,
    accept_invitation,
    invitation_of,
    invite_member,
    read_invitation,
)
from mailer.accounts.login import (
    RESET_LIFE,
    Authenticated,
    authenticate,
    change_password,
    note_refused_sign_in,
    set_password,
    sign_in,
    start_session,
)
from mailer.accounts.models import Account, AccountSession, AuditEntry, TeamMember
from mailer.accounts.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from mailer.accounts.roles import RIGHTS, Right, Role, may
from mailer.accounts.sessions import (
    end_other_sessions,
    end_session,
    is_due_for_touch,
    list_sessions,
    session_of,
    sign_out,
    switch_organisation,
    touch_session,
)
from mailer.accounts.signed_in import SignedIn
from mailer.accounts.team import (
    Colleague,
    add_member,
    change_role,
    end_membership,
    get_member,
    list_members,
)

__all__ = [
    "HELD_BACK",
    "INVITATION_LIFE",
    "LONGEST_PASSWORD",
    "RESET_LIFE",
    "RIGHTS",
    "SHORTEST_PASSWORD",
    "Account",
    "AccountSession",
    "AuditEntry",
    "AuditLine",
    "Authenticated",
    "Colleague",
    "Invitation",
    "Invited",
    "Right",
    "Role",
    "SignedIn",
    "TeamMember",
    "WrongPassword",
    "accept_invitation",
    "add_member",
    "authenticate",
    "change_password",
    "change_role",
    "create_account",
    "device_token",
    "end_membership",
    "end_other_sessions",
    "end_session",
    "find_account",
    "get_account",
    "get_member",
    "invitation_of",
    "invite_member",
    "is_due_for_touch",
    "list_audit",
    "list_members",
    "list_memberships",
    "list_noted",
    "list_sessions",
    "may",
    "note",
    "note_refused_sign_in",
    "read_invitation",
    "session_of",
    "set_password",
    "sign_in",
    "sign_out",
    "start_session",
    "switch_organisation",
    "touch_session",
]
