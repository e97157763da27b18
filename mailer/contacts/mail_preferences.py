"""What people ask for about their mail: nothing at all for now, a pause, not too often."""

from __future__ import annotations

from datetime import timedelta

from mailer.contacts.models import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed

LONGEST_PAUSE_DAYS = 366
INTERVALS_DAYS = (7, 14, 30, 90)  # what the preference page offers
LONGEST_REASON = 1_000


def restrict(contact: Contact, because: str) -> None:
    """Restrict what is done with a person's data to keeping it (GDPR Art. 18, C-091).

    Raises Invalid without a reason, NotAllowed when it is restricted already.
    """
    because = " ".join(because.split())
    if not because or len(because) > LONGEST_REASON:
        sentence = f"Please say why, in up to {LONGEST_REASON:,} characters."
        raise Invalid(sentence, {"because": sentence})
    if contact.restricted_at is not None:
        raise NotAllowed("This is restricted already.")
    contact.restricted_at, contact.restricted_because = now(), because
    db.session.flush()


def lift_restriction(contact: Contact) -> None:
    """Let mails go to a person again; they are to be told before (GDPR Art. 18(3)). Raises NotAllowed."""
    if contact.restricted_at is None:
        raise NotAllowed("There is no restriction here.")
    contact.restricted_at, contact.restricted_because = None, ""
    db.session.flush()


def pause(contact: Contact, *, days: int) -> None:
    """Send a person no campaign for `days` from now. Raises Invalid."""
    if not 1 <= days <= LONGEST_PAUSE_DAYS:
        sentence = f"A pause has 1 to {LONGEST_PAUSE_DAYS} days."
        raise Invalid(sentence, {"days": sentence})
    contact.paused_at = now()
    contact.paused_until = contact.paused_at + timedelta(days=days)
    db.session.flush()


def end_pause(contact: Contact) -> None:
    """Send a person campaigns again as usual."""
    contact.paused_at = contact.paused_until = None
    db.session.flush()


def set_mail_interval(contact: Contact, days: int | None) -> None:
    """Send a person at most one campaign in `days`; None sends all. Raises Invalid."""
    if days is not None and days not in INTERVALS_DAYS:
        sentence = "Please choose one of the answers."
        raise Invalid(sentence, {"days": sentence})
    contact.mail_interval_days = days
    db.session.flush()
