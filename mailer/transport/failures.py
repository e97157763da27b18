"""What can go wrong with the relay or the journal as such, not with one mail."""

from __future__ import annotations

from mailer.foundation.errors import MailerError


class RelayUnavailable(MailerError):
    """No connection to the relay could be made usable; every mail pulled was handed back."""


class RelayRefused(RelayUnavailable):
    """The relay does not take our credentials; trying again changes nothing."""


class JournalFailed(MailerError):
    """The journal cannot be opened or written, so nothing may be sent."""
