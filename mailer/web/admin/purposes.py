"""Why the organisation processes addresses."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, lists
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.lists import LawfulBasis, Purpose
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other

BASES: dict[str, str] = {
    "consent": "Consent (Art. 6(1)(a))",
    "contract": "Contract (Art. 6(1)(b))",
    "legal_obligation": "Legal obligation (Art. 6(1)(c))",
    "vital_interests": "Vital interests (Art. 6(1)(d))",
    "public_task": "Public task (Art. 6(1)(e))",
    "legitimate_interests": "Legitimate interests (Art. 6(1)(f))",
}
SUGGESTED = {"lawful_basis": LawfulBasis.CONSENT.value, "retention_months": "36"}


@bp.get("/settings/purposes/")
@needs(Right.READ)
def purposes() -> ResponseReturnValue:
    """All purposes with the lists that serve them."""
    organisation = signed_in().organisation
    live = lists.list_lists(organisation)
    return render_template(
        "admin/settings/purposes.html",
        rows=[
            (purpose, [one for one in live if one.purpose_id == purpose.id])
            for purpose in lists.list_purposes(organisation, with_archived=True)
        ],
        bases=BASES,
    )


@bp.get("/settings/purposes/new")
@needs(Right.MANAGE)
def new_purpose() -> ResponseReturnValue:
    """The form with what is usual."""
    return _page(SUGGESTED)


@bp.post("/settings/purposes/new")
@needs(Right.MANAGE)
def create_purpose() -> ResponseReturnValue:
    """Create a purpose."""
    me = signed_in()
    try:
        with unit_of_work():
            draft = lists.read_purpose_draft(request.form)
            made = lists.create_purpose(me.organisation, draft)
            accounts.note(me.organisation, me.account, "created a purpose", made.public_id)
    except Invalid as error:
        return _page(request.form, error.fields), 422
    return see_other(url_for(".purposes"), f"The purpose “{made.name}” can now be used.")


@bp.get("/settings/purposes/<public_id>")
@needs(Right.MANAGE)
def purpose(public_id: str) -> ResponseReturnValue:
    """One purpose, to be changed or archived."""
    found = lists.get_purpose(signed_in().organisation, public_id)
    return _page(
        {
            "name": found.name,
            "sentence": found.sentence,
            "lawful_basis": found.lawful_basis.value,
            "retention_months": str(found.retention_months),
        },
        purpose=found,
    )


@bp.post("/settings/purposes/<public_id>")
@needs(Right.MANAGE)
def change_purpose(public_id: str) -> ResponseReturnValue:
    """Change a purpose from now on."""
    me = signed_in()
    found = lists.get_purpose(me.organisation, public_id)
    try:
        with unit_of_work():
            lists.change_purpose(found, lists.read_purpose_draft(request.form))
            accounts.note(me.organisation, me.account, "changed a purpose", public_id)
    except Invalid as error:
        return _page(request.form, error.fields, found), 422
    return see_other(url_for(".purposes"), "Saved. It holds for everybody asked from now on.")


@bp.post("/settings/purposes/<public_id>/archive")
@needs(Right.MANAGE)
def archive_purpose(public_id: str) -> ResponseReturnValue:
    """Take a purpose out of use."""
    me = signed_in()
    found = lists.get_purpose(me.organisation, public_id)
    with unit_of_work():
        lists.archive_purpose(found)
        accounts.note(me.organisation, me.account, "archived a purpose", public_id)
    return see_other(url_for(".purposes"), f"The purpose “{found.name}” is archived.")


def _page(
    given: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    purpose: Purpose | None = None,
) -> str:
    live = lists.list_lists(signed_in().organisation)
    return render_template(
        "admin/settings/purpose.html",
        given=given,
        errors=errors or {},
        purpose=purpose,
        served_by=[one.name for one in live if purpose and one.purpose_id == purpose.id],
        bases=list(BASES.items()),
        limits=lists.RETENTION_LIMITS,
    )
