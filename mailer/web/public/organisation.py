"""The page of an organisation: who they are, and one field that has a link mailed to one's own address.

Every dead end leads here, and documents that others may read name this page, for it opens nothing by itself.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import forms, organisations, subscriptions
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.organisations import Organisation
from mailer.web.public.letterhead import letterhead

bp = Blueprint("organisation", __name__)


@bp.get("/o/<organisation_id>", strict_slashes=False)
def show(organisation_id: str) -> str:
    """Who writes, the forms that are open, and the field."""
    return _page(organisations.get_organisation(organisation_id))


@bp.post("/o/<organisation_id>", strict_slashes=False)
def ask(organisation_id: str) -> ResponseReturnValue:
    """Mail a fresh link to the address; the answer does not tell whether it is known (S-032)."""
    organisation = organisations.get_organisation(organisation_id)
    typed = request.form.get("address", "")
    try:
        address = parse_address(typed)
    except Invalid as error:
        return _page(organisation, typed=typed, error=str(error)), 422
    with unit_of_work():
        subscriptions.mail_fresh_link_to(organisation, address, ip=request.remote_addr or "")
    return render_template("public/link_on_its_way.html", **letterhead(organisation))


def _page(organisation: Organisation, *, typed: str = "", error: str | None = None) -> str:
    return render_template(
        "public/organisation.html",
        lines=organisations.imprint_lines(organisation),
        forms=[
            (one.definition.title, url_for("signup.form", form_id=one.form.public_id))
            for one in forms.list_open(organisation)
        ],
        typed=typed,
        error=error,
        **letterhead(organisation),
    )
