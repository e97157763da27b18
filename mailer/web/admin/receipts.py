"""The receipts and records of one person, as the team may hand them out; the same documents the person gets."""

from __future__ import annotations

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from mailer import contacts, receipts
from mailer.accounts import Right
from mailer.receipts import Thread
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.people import name_of
from mailer.web.consent_stations import stations_of
from mailer.web.documents import as_file


@bp.get("/people/<public_id>/receipts/<topic>")
@needs(Right.READ_PEOPLE)
def person_receipt(public_id: str, topic: str) -> ResponseReturnValue:
    """One receipt in words; `topic` is a list's public id, or `tracking`."""
    thread = _thread(public_id, topic)
    return render_template(
        "admin/people/receipt.html",
        contact=thread.contact,
        name=name_of(thread.contact),
        thread=thread,
        told=receipts.tell(receipts.issue(thread)),
        stations=stations_of(thread),
    )


@bp.get("/people/<public_id>/receipts/<topic>/receipt.json")
@needs(Right.READ_PEOPLE)
def person_receipt_file(public_id: str, topic: str) -> Response:
    """The signed receipt as a file."""
    return as_file(receipts.issue(_thread(public_id, topic)), "receipt")


@bp.get("/people/<public_id>/receipts/<topic>/record.json")
@needs(Right.READ_PEOPLE)
def person_record_file(public_id: str, topic: str) -> Response:
    """The consent record as a file, for other systems."""
    return as_file(receipts.compose_record(_thread(public_id, topic)), "record")


@bp.get("/people/<public_id>/receipts/<topic>/kantara.json")
@needs(Right.READ_PEOPLE)
def person_kantara_file(public_id: str, topic: str) -> Response:
    """The consent as a Kantara receipt."""
    return as_file(receipts.export_kantara(_thread(public_id, topic)), "kantara")


def _thread(public_id: str, topic: str) -> Thread:
    contact = contacts.get_contact(signed_in().organisation, public_id)
    return receipts.get_thread(contact, topic)
