"""A person erases themselves: ask on the preference page, open the mailed link, press the button."""

from __future__ import annotations

from flask import Blueprint, render_template

from mailer import rights
from mailer.erasures import AskedBy
from mailer.foundation.addresses import mask_address
from mailer.foundation.database import unit_of_work
from mailer.organisations import get_organisation_by_id
from mailer.web.public.letterhead import act_evidence, letterhead
from mailer.web.public.mailed_link import mailed

bp = Blueprint("erasure", __name__)


@bp.post("/p/<token>/erasure")
def ask(token: str) -> str:
    """Mail the link behind which the button is."""
    return mailed(token, rights.mail_erasure_link, "public/erasure_asked.html")


@bp.get("/e/<token>")
def show(token: str) -> str:
    """What would be erased and what remains; looking changes nothing (L-001)."""
    contact = rights.read_erasure_token(token)
    organisation = get_organisation_by_id(contact.organisation_id)
    return render_template(
        "public/erasure.html",
        token=token,
        masked_address=mask_address(contact.address or ""),
        numbers=rights.count_for(contact),
        remains=rights.remains(organisation),
        **letterhead(organisation),
    )


@bp.post("/e/<token>")
def erase(token: str) -> str:
    """Erase, and show the closing receipt, which nobody will have but the person."""
    with unit_of_work():
        contact = rights.read_erasure_token(token)
        organisation = get_organisation_by_id(contact.organisation_id)
        evidence = act_evidence("erasure by mailed link", token)
        closing = rights.erase(contact, asked_by=AskedBy.PERSON, evidence=evidence)
    return render_template(
        "public/erased.html",
        closing=closing.document,
        receipt=rights.receipt_text(closing),
        **letterhead(organisation),
    )
