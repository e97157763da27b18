"""What a campaign mail is called, and where its organisation explains itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from mailer.campaigns import Campaign
from mailer.foundation.context import settings
from mailer.foundation.tokens import keyed_digest
from mailer.organisations import Organisation


def notice_url(organisation: str) -> str:
    """The privacy notice of an organisation. Takes a public id."""
    return f"{settings().public_url}/notice/{organisation}"


def feedback_id(campaign: Campaign, organisation: Organisation) -> str:
    """What Gmail counts complaints by: campaign, kind, organisation, and who answers for it (E-032).

    The last is a short name of the organisation that stays the same, between 5 and 15 characters.
    """
    short = hashlib.sha256(organisation.public_id.encode()).hexdigest()[:12]
    return f"{campaign.public_id}:campaign:{organisation.public_id}:{short}"


def message_id(campaign: str, contact: str, domain: str) -> str:
    """The Message-ID of a campaign's mail to one person, without brackets (E-002). Takes public ids.

    The same whenever it is made, so that a mail sent twice is recognised; keyed with the one secret
    that never changes, so that it tells nobody who is written to.
    """
    return f"{message_names(campaign)(contact)}@{domain}"


def message_names(campaign: str) -> Callable[[str], str]:
    """What makes the Message-IDs of one campaign up to the @, out of public ids of contacts."""
    code = keyed_digest(settings().address_pepper.encode())
    start = f"message-id\x00{campaign}\x00".encode()

    def name(contact: str) -> str:
        return code(start + contact.encode())[:16].hex()

    return name
