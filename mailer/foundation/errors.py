"""The tree of our exceptions; every one carries a sentence a person can act on.

MailerError
├── NotFound            no such thing here (404)
├── NotAllowed          the thing exists, but not in this state or not for you (409 / 403)
│   ├── Forbidden       not for you (403)
│   └── Stale           somebody changed it meanwhile (409)
├── Invalid             what was given cannot be used; holds the fields and their messages (422)
├── LinkInvalid         a signed link that is not ours or is damaged (410 page)
│   └── LinkExpired     a signed link of ours whose time is over
├── TooMany             over a limit; try again later (429)
├── Unavailable         a part we need is down; nothing was lost (503)
└── SettingsInvalid     the service cannot start with this configuration
"""

from __future__ import annotations

from collections.abc import Mapping


class MailerError(Exception):
    """Base of everything we raise on purpose; `str(error)` is safe to show."""


class NotFound(MailerError):
    """No such thing here."""


class NotAllowed(MailerError):
    """The thing exists, but this cannot be done with it now."""


class Forbidden(NotAllowed):
    """The one who asks has no right to it."""


class Stale(NotAllowed):
    """Somebody changed the thing since it was read."""


class Invalid(MailerError):
    """Input that cannot be used. `fields` maps a field's name to its message."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields: dict[str, str] = dict(fields or {})


class LinkInvalid(MailerError):
    """A signed link that is damaged, or was never ours."""


class LinkExpired(LinkInvalid):
    """A signed link of ours whose time is over; `payload` is what it carried."""

    def __init__(self, message: str, payload: object = None) -> None:
        super().__init__(message)
        self.payload = payload


class TooMany(MailerError):
    """Over a limit. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(MailerError):
    """A part we need is down; what was confirmed or planned is kept."""


class SettingsInvalid(MailerError):
    """The service cannot start with this configuration."""
