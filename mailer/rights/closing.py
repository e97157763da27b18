"""The closing receipt: what was erased, what remains and why, signed, for the person alone (C-094, T-050)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailer import consent, receipts, transactional
from mailer.contacts import Contact
from mailer.foundation.clock import iso
from mailer.foundation.context import settings
from mailer.lists import MailingList
from mailer.organisations import Organisation, Sender, imprint_lines, list_senders
from mailer.rendering import Letter
from mailer.transactional import Addressed, MessageKind

SCHEMA = "mailer.closing/1"
MAIL_LIFE = timedelta(days=3)
_OPENING = (
    "{name} has erased what it held about you: your address, your answers, and the evidence of your "
    "consents. You receive no further mail."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What an erasure destroys."""

    records: int
    lists: tuple[str, ...]
    mails: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A closing receipt: `document` is signed; `commitment` is what the log holds of it."""

    public_id: str
    document: dict[str, Any]
    commitment: bytes
    canonical: bytes


def remains(organisation: Organisation) -> list[dict[str, str]]:
    """What remains after an erasure, with the reason and the article for each (C-094, T-051)."""
    days = settings().backup_days
    return [
        {
            "title": "A fingerprint of your address",
            "what": "A keyed digest of your address in the list of those who must not be mailed. "
            f"Without the key of {organisation.legal_name} it cannot be turned back into an address.",
            "why": "So that nobody can enter you again by mistake, for example with an old list. A new "
            "sign-up of your own ends it.",
            "article": "GDPR Art. 17(3)(b), Art. 21(3)",
        },
        {
            "title": "Lines of the consent log",
            "what": "The lines of the consent log: random names, times, and commitments to what was "
            "destroyed. Nothing that is left can connect them to you.",
            "why": "So that the consents of all other people can still be proven from the same log.",
            "article": "GDPR Art. 5(2), Art. 17(3)(e)",
        },
        {
            "title": "Figures of campaigns",
            "what": "Figures of past campaigns: that one more mail was sent, not to whom.",
            "why": "Figures without a person are no personal data.",
            "article": "GDPR Recital 26",
        },
        {
            "title": "Backups, until they end",
            "what": f"Backups of the database for up to {days} days. What they hold of your consents is "
            "encrypted, and the key is destroyed; your address and name go with the backup.",
            "why": "Single people cannot be cut out of a backup. Should one be put back, this erasure is "
            "carried out again at once.",
            "article": "GDPR Art. 17(1), Art. 32(1)(c)",
        },
    ]


def write_closing(
    organisation: Organisation, *, public_id: str, numbers: Numbers, asked_by: str, at: datetime
) -> Closing:
    """The receipt of one erasure. It names no address: whoever holds it was the person it was sent to."""
    content = {
        "schema": SCHEMA,
        "erasure": public_id,
        "organisation": {"id": organisation.public_id, "name": organisation.legal_name},
        "contact": organisation.dpo_contact or organisation.contact_email,
        "authority": organisation.authority_name,
        "asked_by": asked_by,
        "erased_at": iso(at),
        "destroyed": {
            "consent_records": str(numbers.records),
            "mailing_lists": list(numbers.lists),
            "campaign_mails": str(numbers.mails),
        },
        "remains": remains(organisation),
    }
    salt = secrets.token_bytes(consent.SALT_BYTES)
    canonical = consent.canonical_json(content)
    document = {**content, "salt": salt.hex(), "algorithm": consent.ALGORITHM}
    return Closing(
        public_id=public_id,
        document=receipts.sign_document(document),
        commitment=consent.commitment(salt, canonical),
        canonical=canonical,
    )


def plan_closing_mail(
    organisation: Organisation, contact: Contact, closing: Closing, lists: list[MailingList]
) -> None:
    """Owe the person one last mail; their address is wiped from it once it is settled."""
    sender = _sender(organisation, lists)
    if sender is None or not contact.address:
        return
    remaining = [
        f"{part['what']} {part['why']} ({part['article']})" for part in closing.document["remains"]
    ]
    letter = Letter(
        subject=f"{organisation.legal_name} has erased your data",
        paragraphs=(
            _OPENING.format(name=organisation.legal_name),
            "What remains, and why:",
            *remaining,
            _where_to_turn(organisation),
            "The signed receipt is attached. Keep it: nobody else has it, we do not either.",
        ),
        action=("Check the receipt", f"{settings().public_url}/receipts/verify"),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
    transactional.plan_letter(
        organisation,
        Addressed(
            kind=MessageKind.CLOSING,
            reference=closing.public_id,
            sender=sender,
            to_address=contact.address,
            letter=letter,
            life=MAIL_LIFE,
            attachments=(receipts.attachment_of(closing.document, f"{closing.public_id}.json"),),
        ),
    )


def _where_to_turn(organisation: Organisation) -> str:
    turn = organisation.dpo_contact or organisation.contact_email
    authority = organisation.authority_name
    complaint = f" You may also complain to {authority} (GDPR Art. 77)." if authority else ""
    return f"Questions go to {turn}.{complaint}"


def _sender(organisation: Organisation, lists: list[MailingList]) -> Sender | None:
    senders = list_senders(organisation)
    wanted = {mailing_list.sender_id for mailing_list in lists}
    return next((one for one in senders if one.id in wanted), senders[0] if senders else None)


def receipt_text(closing: Closing) -> str:
    """The signed receipt as the text of a file."""
    return receipts.file_of(closing.document).decode()
