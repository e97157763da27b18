"""Measuring on the preference page: whether somebody agreed, the press that ends it, and a new yes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort

from mailer import consent, tracking
from mailer.contacts import Contact
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.receipts import TRACKING_TOPIC
from mailer.web.public.receipts import links_of

STOP, AGREE = "stop_counting", "agree_to_counting"
BUTTON = "You may measure this"


@dataclass(frozen=True, slots=True)
class Measuring:
    """Where somebody stands who was asked; `words` is what a new yes means, kept as read."""

    is_agreed: bool
    stations: list[dict[str, Any]]
    words: str
    button: str
    receipt_url: str


def measuring_of(contact: Contact) -> Measuring | None:
    """Whether a person agreed; None for somebody who was never asked."""
    link = links_of(contact, [TRACKING_TOPIC]).get(TRACKING_TOPIC)
    if link is None:
        return None
    return Measuring(
        is_agreed=link.is_standing,
        stations=link.stations if link.was_given else [],
        words=_words_of(get_organisation_by_id(contact.organisation_id)),
        button=BUTTON,
        receipt_url=link.url,
    )


def stop(contact: Contact, evidence: dict[str, Any]) -> list[consent.ConsentRecord]:
    """Take a consent to measuring back; returns the withdrawals."""
    return tracking.stop(contact, evidence)


def agree(contact: Contact, evidence: dict[str, Any]) -> str:
    """Give a consent to measuring with the words that were shown (C-006), behind a link that was mailed.

    Returns what became of it: counted, or agreed before.
    """
    measuring = measuring_of(contact)
    if measuring is None:
        abort(400, "Please press one of the buttons of the page.")
    if measuring.is_agreed:
        return "agreed_before"
    organisation = get_organisation_by_id(contact.organisation_id)
    notice = consent.publish_notice(organisation)
    shown = {
        "text": _words_of(organisation),
        "button": BUTTON,
        "notice_number": str(notice.number),
    }
    sha256 = consent.store_text(consent.canonical_json(shown), "application/json")
    evidence = {**evidence, "shown_sha256": sha256, "notice_sha256": notice.text_sha256}
    tracking.agree(contact, evidence)
    return "counted"


def _words_of(organisation: Organisation) -> str:
    return (
        f"{organisation.legal_name} may measure whether you open its mails and which links you follow, to "
        "make them better. You receive the same mail without it. You can stop this at any time, here or "
        "with the link in every such mail."
    )
