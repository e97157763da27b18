"""Who may do what: one table, asked everywhere. Pure."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a team member is to the organisation."""

    OWNER = "owner"
    EDITOR = "editor"
    PRIVACY_OFFICER = "privacy_officer"
    VIEWER = "viewer"


class Right(StrEnum):
    """What a role may do."""

    READ = "read"
    READ_PEOPLE = "read_people"
    CHANGE_PEOPLE = "change_people"  # unsubscribe somebody who asked, correct a name
    WRITE = "write"  # forms, lists, campaigns
    SEND = "send"
    MANAGE = "manage"  # organisation, purposes, team
    PROVE = "prove"  # take proof bundles out, read the log's anchors and audits
    ERASE = "erase"  # erase people, for good
    IMPORT = "import"  # bring people in from other systems


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.EDITOR: frozenset(
        {
            Right.READ,
            Right.READ_PEOPLE,
            Right.CHANGE_PEOPLE,
            Right.WRITE,
            Right.SEND,
            Right.IMPORT,
        }
    ),
    Role.PRIVACY_OFFICER: frozenset(
        {
            Right.READ,
            Right.READ_PEOPLE,
            Right.CHANGE_PEOPLE,
            Right.PROVE,
            Right.ERASE,
            Right.IMPORT,
        }
    ),
    Role.VIEWER: frozenset({Right.READ}),
}


def may(role: Role, right: Right) -> bool:
    """Whether `role` has `right`."""
    return right in RIGHTS[role]
