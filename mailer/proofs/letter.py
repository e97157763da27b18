"""The mailed link to one's own proofs."""

from __future__ import annotations

from datetime import timedelta

from mailer.contacts import Contact
from mailer.foundation.tokens import Purpose
from mailer.organisations import get_organisation_by_id
from mailer.suppression import Scope, find_blocking
from mailer.transactional import MailedLink, MessageKind, mail_link, read_mailed_link

LINK_LIFE = timedelta(hours=1)
_LINK = MailedLink(
    kind=MessageKind.PROOF_LINK,
    purpose=Purpose.PROOF,
    path="proof",
    life=LINK_LIFE,
    title="Your proof of consent from",
    wish="for the proof of your consents",
    behind=(
        "Behind the link you can keep it as a file: how each consent came about, and what came of it, in a "
        "form that anybody can check without us."
    ),
    button="Get the proof",
    lasts="one hour",
)


def mail_proof_link(contact: Contact) -> bool:
    """Owe the person one mail with the link; False when none may go there (C-082), or one just went."""
    organisation, digest = get_organisation_by_id(contact.organisation_id), contact.address_digest
    if digest is None or find_blocking(organisation, digest, scope=Scope.ALL_MAIL):
        return False
    return mail_link(_LINK, contact)


def read_proof_token(token: str) -> Contact:
    """Whose bundles a link is about. Raises LinkExpired, and LinkInvalid once they are erased."""
    return read_mailed_link(_LINK, token)
