"""Erasing a person on their behalf: a page that says in numbers what goes, then the act."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from mailer import accounts, contacts, erasures, rights
from mailer.accounts import Right
from mailer.erasures import AskedBy
from mailer.foundation.database import unit_of_work
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.people import name_of


@bp.get("/people/<public_id>/erase")
@needs(Right.ERASE)
def person_erase(public_id: str) -> ResponseReturnValue:
    """What erasing this person means; changes nothing."""
    return _page(public_id)


@bp.post("/people/<public_id>/erase")
@needs(Right.ERASE)
def person_erase_now(public_id: str) -> ResponseReturnValue:
    """Erase for good, once the number of records was typed; the closing receipt is mailed and shown."""
    me = signed_in()
    contact = contacts.get_contact(me.organisation, public_id)
    numbers = rights.count_for(contact)
    typed = request.form.get("number", "").strip()
    if typed != str(numbers.records):
        return _page(public_id, error=f"Please type the number of records: {numbers.records}."), 422
    with unit_of_work():
        contact = contacts.get_contact(me.organisation, public_id)
        evidence = {"method": "erasure by the team", "member": me.member.public_id}
        closing = rights.erase(contact, asked_by=AskedBy.TEAM, evidence=evidence)
        accounts.note(
            me.organisation, me.account, "erased a person", public_id, erasure=closing.public_id
        )
    return render_template(
        "admin/people/erased.html",
        public_id=public_id,
        closing=closing.document,
        receipt=rights.receipt_text(closing),
    )


@bp.post("/people/erased/receipt")
@needs(Right.ERASE)
def erasure_receipt() -> Response:
    """Hand the receipt on the page out as a file; nobody keeps it, so the page brings it along."""
    response = make_response(request.form.get("receipt", ""))
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = 'attachment; filename="closing-receipt.json"'
    return response


def _page(public_id: str, error: str = "") -> str:
    organisation = signed_in().organisation
    contact = contacts.get_contact(organisation, public_id)
    return render_template(
        "admin/people/erase.html",
        contact=contact,
        name=name_of(contact),
        numbers=rights.count_for(contact),
        remains=rights.remains(organisation),
        erasure=erasures.find_erasure(contact),
        error=error,
    )
