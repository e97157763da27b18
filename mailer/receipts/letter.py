"""The receipt by mail: in words, with the signed document as a file; only to the person's own address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mailer import transactional
from mailer.foundation.context import settings
from mailer.foundation.errors import NotAllowed
from mailer.lists import get_list
from mailer.organisations import Organisation, Sender, get_sender_by_id, imprint_lines, list_senders
from mailer.receipts.issuing import issue
from mailer.receipts.readable import tell_as_text
from mailer.receipts.sealing import attachment_of
from mailer.receipts.threads import TRACKING_TOPIC, Thread
from mailer.rendering import Letter
from mailer.suppression import Scope, find_blocking
from mailer.transactional import Addressed, MessageKind

_OPENING = (
    "This is the receipt you asked for: what {name} recorded about it, and what became of it. The file "
    "attached says the same, signed. Keep both."
)
MAIL_LIFE = timedelta(days=3)


def plan_receipt_mail(thread: Thread) -> dict[str, Any]:
    """Owe the person a mail with a fresh receipt of this thread, and return that receipt.

    Raises NotAllowed when no mail may go to the address (C-082), or nobody is there to send as.
    """
    organisation, contact = thread.organisation, thread.contact
    digest = contact.address_digest
    if contact.address is None or digest is None:
        raise NotAllowed("There is no address left to send to.")
    if find_blocking(organisation, digest, scope=Scope.ALL_MAIL):
        raise NotAllowed("This address said that it wants no mail at all, so none is sent.")
    sender = _sender(thread)
    receipt = issue(thread)
    name = f"receipt-{receipt['dct:identifier']}.json"
    transactional.plan_letter(
        organisation,
        Addressed(
            kind=MessageKind.RECEIPT,
            reference=contact.public_id,
            sender=sender,
            to_address=contact.address,
            letter=_letter(organisation, thread, receipt),
            life=MAIL_LIFE,
            attachments=(attachment_of(receipt, name),),
        ),
    )
    return receipt


def _letter(organisation: Organisation, thread: Thread, receipt: dict[str, Any]) -> Letter:
    return Letter(
        subject=f"Your consent receipt: {thread.topic.name}",
        paragraphs=(_OPENING.format(name=organisation.legal_name), *tell_as_text(receipt)),
        action=("Check the file", f"{settings().public_url}/receipts/verify"),
        after=("You get this mail because somebody, probably you, asked for it on your page.",),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )


def _sender(thread: Thread) -> Sender:
    if thread.topic.id != TRACKING_TOPIC:
        return get_sender_by_id(get_list(thread.organisation, thread.topic.id).sender_id)
    senders = list_senders(thread.organisation)
    if not senders:
        raise NotAllowed("There is nobody to send as just now.")
    return senders[0]
