"""The identities the organisation sends as."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, lists, organisations
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.organisations import Sender
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.sender_keys import keys_of
from mailer.web.responses import see_other

FIELDS = ("from_name", "from_address", "reply_to")


@bp.get("/settings/senders/")
@needs(Right.READ)
def senders() -> ResponseReturnValue:
    """All senders with the lists that use them."""
    found = organisations.list_senders(signed_in().organisation, with_archived=True)
    return render_template(
        "admin/settings/senders.html",
        rows=[(sender, lists.list_lists_of_sender(sender)) for sender in found],
    )


@bp.get("/settings/senders/new")
@needs(Right.MANAGE)
def new_sender() -> ResponseReturnValue:
    """The empty form."""
    return _page({})


@bp.post("/settings/senders/new")
@needs(Right.MANAGE)
def create_sender() -> ResponseReturnValue:
    """Create a sender."""
    me = signed_in()
    try:
        with unit_of_work():
            sender = organisations.create_sender(me.organisation, *_given())
            accounts.note(me.organisation, me.account, "created a sender", sender.public_id)
    except Invalid as error:
        return _page(request.form, error.fields), 422
    return see_other(url_for(".senders"), f"{sender.from_name} can now be used as a sender.")


@bp.get("/settings/senders/<public_id>")
@needs(Right.MANAGE)
def sender(public_id: str) -> ResponseReturnValue:
    """One sender, to be changed or archived."""
    found = organisations.get_sender(signed_in().organisation, public_id)
    return _page({name: getattr(found, name) for name in FIELDS}, sender=found)


@bp.post("/settings/senders/<public_id>")
@needs(Right.MANAGE)
def change_sender(public_id: str) -> ResponseReturnValue:
    """Change a sender."""
    me = signed_in()
    found = organisations.get_sender(me.organisation, public_id)
    try:
        with unit_of_work():
            organisations.change_sender(found, *_given())
            accounts.note(me.organisation, me.account, "changed a sender", public_id)
    except Invalid as error:
        return _page(request.form, error.fields, found), 422
    return see_other(url_for(".senders"), "Saved.")


@bp.post("/settings/senders/<public_id>/archive")
@needs(Right.MANAGE)
def archive_sender(public_id: str) -> ResponseReturnValue:
    """Take a sender out of use."""
    me = signed_in()
    found = organisations.get_sender(me.organisation, public_id)
    with unit_of_work():
        used_by = [one.name for one in lists.list_lists_of_sender(found)]
        organisations.archive_sender(found, used_by=used_by)
        accounts.note(me.organisation, me.account, "archived a sender", public_id)
    return see_other(url_for(".senders"), f"{found.from_name} is archived.")


def _given() -> tuple[str, str, str]:
    form = request.form
    return form.get("from_name", ""), form.get("from_address", ""), form.get("reply_to", "")


def _page(
    given: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    sender: Sender | None = None,
) -> str:
    return render_template(
        "admin/settings/sender.html",
        given=given,
        errors=errors or {},
        sender=sender,
        used_by=lists.list_lists_of_sender(sender) if sender else [],
        keys=keys_of(sender) if sender else None,
    )
