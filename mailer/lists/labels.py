"""The name of a list for machines: List-Id (RFC 2919), the same as long as the list lives (E-028)."""

from __future__ import annotations

import re
import secrets
import unicodedata

from mailer.foundation.addresses import parse_address
from mailer.lists.models import MailingList
from mailer.organisations import Sender

LONGEST_SLUG = 40
_MARKS = "abcdefghijkmnpqrstuvwxyz23456789"


def new_label(name: str) -> str:
    """A label made from `name`: ASCII letters and digits, then six random ones, such as `news-k3x9pd`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_SLUG].strip("-") or "list"
    return f"{slug}-{''.join(secrets.choice(_MARKS) for _ in range(6))}"


def list_id_header(mailing_list: MailingList, sender: Sender) -> str:
    """The identifier for List-Id, without angle brackets: label and sender's domain (RFC 2919 section 3)."""
    return f"{mailing_list.label}.{parse_address(sender.from_address).domain}"
