"""What a campaign mail is called, and where its organisation explains itself."""

from __future__ import annotations

import hashlib
import hmac

from mailer.foundation.context import settings


def notice_url(organisation: str) -> str:
    """The privacy notice of an organisation. Takes a public id."""
    return f"{settings().public_url}/notice/{organisation}"


def message_id(campaign: str, contact: str, domain: str) -> str:
    """The Message-ID of a campaign's mail to one person, without brackets (E-002). Takes public ids.

    The same whenever it is made, so that a mail sent twice is recognised; keyed with the one secret
    that never changes, so that it tells nobody who is written to.
    """
    key = settings().address_pepper.encode()
    digest = hmac.new(key, f"message-id\x00{campaign}\x00{contact}".encode(), hashlib.sha256)
    return f"{digest.hexdigest()[:32]}@{domain}"
