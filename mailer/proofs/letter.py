"""The way to one's own proof by control of the mailbox: a short-lived link, mailed to the address itself.

A forwarded mail leads to the preference page, so that hands out nothing and only asks for this link (S-003).
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
from mailer.suppression import Scope, find_blocking
from mailer.transactional import Addressed, MessageKind

LINK_LIFE = timedelta(hours=1)
LEAST_APART = timedelta(minutes=10)
_ASKED = "Somebody, probably you, asked {name} on its preference page for the proof of what you agreed to."
_BEHIND = (
    "Behind the link you can keep it as a file: what you were asked, what you answered, and what came of it, "
    "in a form that anybody can check without us."
)


def proof_url(contact: Contact) -> str:
    """The page that hands a person their bundles; good for an hour."""
    return f"{settings().public_url}/proof/{quote(sign_timed(Purpose.PROOF, contact.public_id))}"


def read_proof_token(token: str) -> Contact:
    """Whose bundles a link is about. Raises LinkExpired, and LinkInvalid once they are erased."""
    public_id = str(read_timed(Purpose.PROOF, token, max_age=LINK_LIFE))
    contact = db.session.scalar(
        sa.select(Contact).where(Contact.public_id == public_id, Contact.erased_at.is_(None))
    )
    if contact is None:
        raise LinkInvalid("This link belongs to nobody we know any more.")
    return contact


def mail_proof_link(contact: Contact) -> bool:
    """Owe the person one mail with the link; False when none may go there, or one just went."""
    newest = transactional.find_newest(contact.public_id, kind=MessageKind.PROOF_LINK)
    if newest is not None and newest.created_at > now() - LEAST_APART:
        return False
    organisation = get_organisation_by_id(contact.organisation_id)
    senders, digest = list_senders(organisation), contact.address_digest
    if not senders or not contact.address or digest is None:
        return False
    if find_blocking(organisation, digest, scope=Scope.ALL_MAIL):
        return False
    letter = Letter(
        subject=f"Your proof of consent from {organisation.legal_name}",
        paragraphs=(_ASKED.format(name=organisation.legal_name), _BEHIND),
        action=("Get the proof", proof_url(contact)),
        after=("The link works for one hour. If it was not you, there is nothing to do.",),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
    transactional.plan_letter(
        organisation,
        Addressed(
            kind=MessageKind.PROOF_LINK,
            reference=contact.public_id,
            sender=senders[0],
            to_address=contact.address,
            letter=letter,
            life=LINK_LIFE,
        ),
    )
    return True
