"""Restricting what is done with a person's data, lifting that (GDPR Art. 18, C-091), and lifting a bounce."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, contacts, suppression
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other


@bp.post("/people/<public_id>/restrict")
@needs(Right.ERASE)
def person_restrict(public_id: str) -> ResponseReturnValue:
    """Send this person nothing until further notice, and say why."""
    me = signed_in()
    here = url_for(".person", public_id=public_id)
    try:
        with unit_of_work():
            contact = contacts.get_contact(me.organisation, public_id)
            contacts.restrict(contact, request.form.get("because", ""))
            accounts.note(me.organisation, me.account, "restricted a person's data", public_id)
    except (Invalid, NotAllowed) as error:
        return see_other(here, str(error), kind="error")
    return see_other(here, "Restricted. No campaign goes to this person any more.")


@bp.post("/people/<public_id>/lift")
@needs(Right.ERASE)
def person_lift(public_id: str) -> ResponseReturnValue:
    """Let campaigns go to this person again; they are to be told before."""
    me = signed_in()
    contacts.get_contact(me.organisation, public_id)
    here = url_for(".person", public_id=public_id)
    if request.form.get("told") != "yes":
        return see_other(here, "Tell the person first, then tick that you have.", kind="error")
    try:
        with unit_of_work():
            contact = contacts.get_contact(me.organisation, public_id)
            contacts.lift_restriction(contact)
            accounts.note(me.organisation, me.account, "lifted a restriction", public_id)
    except NotAllowed as error:
        return see_other(here, str(error), kind="error")
    return see_other(here, "The restriction is lifted.")


@bp.post("/people/<public_id>/bounce")
@needs(Right.WRITE)
def person_works_again(public_id: str) -> ResponseReturnValue:
    """Let campaigns go to an address again that bounced, because somebody knows that it works (E-087)."""
    me, because = signed_in(), request.form.get("known_by", "").replace("\0", " ")
    here = url_for(".person", public_id=public_id)
    try:
        with unit_of_work():
            contact = contacts.get_contact(me.organisation, public_id)
            suppression.lift_bounce(me.organisation, contact.address_digest or "", because)
            accounts.note(
                me.organisation, me.account, "lifted a bounce", public_id, because=because.strip()
            )
    except (Invalid, NotAllowed) as error:
        return see_other(here, str(error), kind="error")
    return see_other(here, "The address counts as working again. The next campaign may go there.")
