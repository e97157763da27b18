"""The mailed link to one's own erasure (C-087)."""

from __future__ import annotations

from datetime import timedelta

from mailer.contacts import Contact
from mailer.foundation.tokens import Purpose
from mailer.transactional import MailedLink, MessageKind, mail_link, read_mailed_link

_LINK = MailedLink(
    kind=MessageKind.RIGHTS_LINK,
    purpose=Purpose.ERASURE,
    path="e",
    life=timedelta(days=1),
    title="Erase your data at",
    wish="to erase everything about this address",
    behind="The link shows what would be erased, and a button that does it. The link alone changes nothing.",
    button="See what would be erased",
    lasts="one day",
)


def mail_erasure_link(contact: Contact) -> bool:
    """Owe the person one mail with the link; False when one went out less than ten minutes ago.

    It goes to a blocked address too: whoever wants no mail may still want to be erased.
    """
    return mail_link(_LINK, contact)


def read_erasure_token(token: str) -> Contact:
    """Whose erasure a link is about. Raises LinkExpired, and LinkInvalid once they are erased."""
    return read_mailed_link(_LINK, token)
