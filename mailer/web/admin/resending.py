"""Sending again: what may have arrived, after a page that says so, and to those who were left out."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, contacts, delivery
from mailer.accounts import Right
from mailer.campaigns import Campaign
from mailer.contacts import Contact
from mailer.foundation.database import unit_of_work
from mailer.web.admin.campaigns import get_campaign
from mailer.web.admin.campaigns_shown import frame_of
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other


@bp.get("/campaigns/<public_id>/resend")
@needs(Right.SEND)
def campaign_resend(public_id: str) -> ResponseReturnValue:
    """What sending again means; `person` in the address asks for one of them only."""
    return _page(get_campaign(public_id), _person(request.args.get("person", "")))


@bp.post("/campaigns/<public_id>/resend")
@needs(Right.SEND)
def campaign_resend_now(public_id: str) -> ResponseReturnValue:
    """Send again to one person, or to everybody uncertain once their number was typed."""
    me, found = signed_in(), get_campaign(public_id)
    person = _person(request.form.get("person", ""))
    typed = "".join(mark for mark in request.form.get("number", "") if mark not in " ,.'\u00a0")
    uncertain = _count(found)
    if person is None and typed != str(uncertain):
        return _page(found, None, f"Please type the number of people: {uncertain:,}."), 422
    with unit_of_work():
        chosen = None if person is None else [person.id]
        count = delivery.resend_uncertain(found, chosen)
        if count:
            accounts.note(
                me.organisation, me.account, "sent uncertain mails again", public_id, people=count
            )
    here = url_for(".campaign", public_id=public_id)
    if not count:
        return see_other(here, "Nobody is uncertain any more; nothing was sent.", kind="warning")
    people = "One person gets" if count == 1 else f"{count:,} people get"
    return see_other(here, f"{people} the mail again, if their consent still stands.")


@bp.get("/campaigns/<public_id>/left-out")
@needs(Right.SEND)
def campaign_left_out(public_id: str) -> ResponseReturnValue:
    """How many were left out and may get the mail after all."""
    found = get_campaign(public_id)
    return render_template(
        "admin/campaigns/left_out.html",
        **frame_of(found),
        left_out=delivery.count_left_out(found),
    )


@bp.post("/campaigns/<public_id>/left-out")
@needs(Right.SEND)
def campaign_send_to_left_out(public_id: str) -> ResponseReturnValue:
    """Send to those who were left out for a reason that has passed, or was ours."""
    me, found = signed_in(), get_campaign(public_id)
    with unit_of_work():
        count = delivery.resend_left_out(found)
        if count:
            accounts.note(
                me.organisation, me.account, "sent to people left out", public_id, people=count
            )
    here = url_for(".campaign", public_id=public_id)
    if not count:
        return see_other(
            here, "Nobody is left who may get it now; nothing was sent.", kind="warning"
        )
    people = "One person gets" if count == 1 else f"{count:,} people get"
    return see_other(here, f"{people} the mail now. Everybody else is left as they are.")


def _page(found: Campaign, person: Contact | None, error: str = "") -> str:
    return render_template(
        "admin/campaigns/resend.html",
        **frame_of(found),
        person=person,
        uncertain=_count(found),
        error=error,
    )


def _count(found: Campaign) -> int:
    return delivery.count_states(found.id)[delivery.DeliveryState.UNCERTAIN]


def _person(public_id: str) -> Contact | None:
    return contacts.get_contact(signed_in().organisation, public_id) if public_id else None
