"""The way to an erasure by control of the mailbox (C-087): a short-lived link, mailed to the address itself.

The links at the foot of a campaign mail may travel with a forwarded mail, so they lead no further than to
asking for this one (S-003).
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import sqlalchemy as sa

from mailer import transactional
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import LinkInvalid
from mailer.foundation.tokens import Purpose, read_timed, sign_timed
from mailer.organisations import get_organisation_by_id, imprint_lines, list_senders
from mailer.rendering import Letter
from mailer.transactional import Addressed, MessageKind

LINK_LIFE = timedelta(days=1)
LEAST_APART = timedelta(minutes=10)
_ASKED = "Somebody, probably you, asked {name} on its preference page to erase everything about this address."
_SHOWS = "The link shows what would be erased, and a button that does it. The link alone changes nothing."


def erasure_url(contact: Contact) -> str:
    """The link behind which the person's own erasure is; good for a day."""
    return f"{settings().public_url}/e/{quote(sign_timed(Purpose.ERASURE, contact.public_id))}"


def read_erasure_token(token: str) -> Contact:
    """Whose erasure a link is about. Raises LinkExpired, and LinkInvalid once they are erased."""
    public_id = str(read_timed(Purpose.ERASURE, token, max_age=LINK_LIFE))
    contact = db.session.scalar(
        sa.select(Contact).where(Contact.public_id == public_id, Contact.erased_at.is_(None))
    )
    if contact is None:
        raise LinkInvalid("This link belongs to nobody we know any more.")
    return contact


def mail_erasure_link(contact: Contact) -> bool:
    """Owe the person one mail with the link; False when one went out less than ten minutes ago."""
    newest = transactional.find_newest(contact.public_id, kind=MessageKind.RIGHTS_LINK)
    if newest is not None and newest.created_at > now() - LEAST_APART:
        return False
    organisation = get_organisation_by_id(contact.organisation_id)
    senders = list_senders(organisation)
    if not senders or not contact.address:
        return False
    letter = Letter(
        subject=f"Erase your data at {organisation.legal_name}",
        paragraphs=(_ASKED.format(name=organisation.legal_name), _SHOWS),
        action=("See what would be erased", erasure_url(contact)),
        after=("The link works for one day. If it was not you, there is nothing to do.",),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
    transactional.plan_letter(
        organisation,
        Addressed(
            kind=MessageKind.RIGHTS_LINK,
            reference=contact.public_id,
            sender=senders[0],
            to_address=contact.address,
            letter=letter,
            life=LINK_LIFE,
        ),
    )
    return True
