"""What deliveries hold of a person goes when the person is erased; that a mail was sent stays a figure."""

from __future__ import annotations

import sqlalchemy as sa

from mailer.contacts import Contact
from mailer.delivery.tables import DELIVERIES
from mailer.foundation.database import db


def forget_counting(contact: Contact) -> None:
    """Erase by which consent a person's clicks were counted (C-092)."""
    db.session.execute(
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.contact_id == contact.id, DELIVERIES.c.tracking_record_id.is_not(None))
        .values(tracking_record_id=None)
    )


def forget_replies(contact: Contact) -> None:
    """Erase what mail servers said about a person, for they like to repeat the address (C-092)."""
    db.session.execute(
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.contact_id == contact.id, DELIVERIES.c.reply_text != "")
        .values(reply_text="")
    )
