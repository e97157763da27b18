"""The identities an organisation sends as."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from mailer.foundation import clock
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from mailer.foundation.parsing import Answers
from mailer.organisations.models import Organisation, Sender
from mailer.organisations.sending_domains import why_not_from


def create_sender(
    organisation: Organisation, from_name: str, from_address: str, reply_to: str = ""
) -> Sender:
    """A new sender. Raises Invalid with a message per field, for domains it may not send from too (E-044)."""
    checked = _checked(from_name, from_address, reply_to)
    _refuse_domain(organisation.id, checked["from_address"])
    sender = Sender(organisation_id=organisation.id, **checked)
    db.session.add(sender)
    db.session.flush()
    return sender


def change_sender(sender: Sender, from_name: str, from_address: str, reply_to: str = "") -> Sender:
    """Change how `sender` presents itself from now on. Raises Invalid, or NotAllowed once archived."""
    if sender.archived_at is not None:
        raise NotAllowed("This sender is archived and can no longer be changed.")
    checked = _checked(from_name, from_address, reply_to)
    _refuse_domain(sender.organisation_id, checked["from_address"], sender)
    for name, value in checked.items():
        setattr(sender, name, value)
    db.session.flush()
    return sender


def archive_sender(sender: Sender, *, used_by: Sequence[str]) -> Sender:
    """Take `sender` out of use; it stays on record. `used_by` are the names of live lists that send as it.

    Raises NotAllowed, naming them, while there are any.
    """
    if used_by:
        names = ", ".join(f"“{name}”" for name in used_by)
        raise NotAllowed(f"This sender is still used by {names}. Give these another sender first.")
    sender.archived_at = sender.archived_at or clock.now()
    db.session.flush()
    return sender


def list_senders(organisation: Organisation, *, with_archived: bool = False) -> list[Sender]:
    """The senders of `organisation`, oldest first."""
    query = sa.select(Sender).where(Sender.organisation_id == organisation.id).order_by(Sender.id)
    if not with_archived:
        query = query.where(Sender.archived_at.is_(None))
    return list(db.session.scalars(query))


def get_sender(organisation: Organisation, public_id: str) -> Sender:
    """The sender of `organisation` with this public id. Raises NotFound."""
    found = db.session.scalar(
        sa.select(Sender).where(
            Sender.organisation_id == organisation.id, Sender.public_id == public_id
        )
    )
    if found is None:
        raise NotFound("There is no such sender here.")
    return found


def get_sender_by_id(sender_id: int) -> Sender:
    """The sender with this row id. Raises NotFound."""
    found = db.session.get(Sender, sender_id)
    if found is None:
        raise NotFound("There is no such sender.")
    return found


def _refuse_domain(organisation_id: int, address: str, sender: Sender | None = None) -> None:
    """Raises Invalid for a domain that may not be sent from; one that a sender has already is its own."""
    serialise_on("sending-domains")
    domain = address.rpartition("@")[2]
    stays = sender is not None and sender.from_address.rpartition("@")[2] == domain
    because = why_not_from(
        organisation_id, address, sender_id=sender.id if sender is not None and stays else None
    )
    if because is not None:
        raise Invalid(because, {"from_address": because})


def _checked(from_name: str, from_address: str, reply_to: str) -> dict[str, str]:
    answers = Answers({"from_name": from_name, "from_address": from_address, "reply_to": reply_to})
    checked = {
        "from_name": answers.line("from_name", required=True),
        "from_address": answers.address("from_address", required=True),
        "reply_to": answers.address("reply_to"),
    }
    answers.check()
    return checked
