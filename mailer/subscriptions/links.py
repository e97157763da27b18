"""The links at the foot of every campaign mail: made here, read here, valid for ever (C-065, E-024)."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.contacts import Contact, find_linked, get_linked
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import LinkInvalid
from mailer.foundation.tokens import Purpose, lasting_signer, read_lasting, sign_lasting
from mailer.lists import MailingList

_PARTS = 3  # contact, list, campaign


def unsubscribe_url(contact_id: str, mailing_list_id: str, campaign_id: str) -> str:
    """Where one press unsubscribes from the list that sent the mail; takes public ids (E-020)."""
    token = sign_lasting(Purpose.UNSUBSCRIBE, contact_id, mailing_list_id, campaign_id)
    return f"{unsubscribe_at()}{token}"


def preferences_url(contact_id: str) -> str:
    """Where a person sees and changes all of it; takes a public id."""
    return f"{preferences_at()}{sign_lasting(Purpose.PREFERENCES, contact_id)}"


class LinkTokens:
    """Makes the tokens of one campaign's links to members of one list, the same as the addresses have.

    For many mails: the keys are derived once. Takes public ids; each purpose has a key of its own.
    """

    def __init__(self, mailing_list_id: str, campaign_id: str) -> None:
        self._end = f"~{mailing_list_id}~{campaign_id}"
        self._unsubscribe = lasting_signer(Purpose.UNSUBSCRIBE)
        self._preferences = lasting_signer(Purpose.PREFERENCES)

    def make(self, contact_id: str) -> tuple[str, str]:
        """The tokens to unsubscribe and for preferences of one person."""
        return self._unsubscribe(contact_id + self._end), self._preferences(contact_id)


def unsubscribe_at() -> str:
    """What an unsubscribe link begins with; the token follows."""
    return f"{settings().public_url}/u/"


def preferences_at() -> str:
    """What a link to the preferences begins with; the token follows."""
    return f"{settings().public_url}/p/"


def read_unsubscribe_token(token: str) -> tuple[Contact, MailingList] | None:
    """Who leaves what; None for somebody who is not known any more. Raises LinkInvalid."""
    parts = read_lasting(Purpose.UNSUBSCRIBE, token)
    if len(parts) != _PARTS:
        raise LinkInvalid("This link is damaged or incomplete.")
    contact = find_linked(parts[0])
    mailing_list = db.session.scalar(
        sa.select(MailingList).where(MailingList.public_id == parts[1])
    )
    if contact is None or mailing_list is None:
        return None
    return contact, mailing_list


def read_preferences_token(token: str) -> Contact:
    """Whose preferences these are. Raises LinkInvalid, also once they are erased."""
    return get_linked(read_lasting(Purpose.PREFERENCES, token)[0])
