"""Campaigns: the list of them, a new one, and what is done with one as a whole."""

from __future__ import annotations

from functools import partial

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, campaigns, reports
from mailer.accounts import Right, may
from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import DeliveryState
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.paging import Cursor
from mailer.web.admin.campaigns_shown import (
    DELIVERY_STATES,
    STATES,
    delivery_state,
    frame_of,
    progress_of,
)
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other, wants_fragment


@bp.get("/campaigns/", endpoint="campaigns")
@needs(Right.READ)
def campaign_list() -> ResponseReturnValue:
    """Every campaign, newest first."""
    page = campaigns.list_campaigns(signed_in().organisation, _cursor())
    sizes = reports.count_audiences(page.rows)
    return render_template(
        "admin/campaigns/list.html",
        rows=[(found, STATES[found.state], sizes.get(found.id)) for found in page.rows],
        older_url=page.older and url_for(".campaigns", older=page.older),
        newer_url=page.newer and url_for(".campaigns", newer=page.newer),
    )


@bp.route("/campaigns/new", methods=["GET", "POST"])
@needs(Right.WRITE)
def campaign_new() -> ResponseReturnValue:
    """Name a new campaign; everything else is written in the editor."""
    if request.method == "GET":
        return render_template("admin/campaigns/new.html", name="", errors={})
    who, name = signed_in(), request.form.get("name", "")
    try:
        with unit_of_work():
            campaign = campaigns.create_campaign(who.organisation, who.account, name)
            accounts.note(who.organisation, who.account, "began a campaign", campaign.public_id)
    except Invalid as error:
        return render_template("admin/campaigns/new.html", name=name, errors=error.fields), 422
    return see_other(url_for(".campaign_edit", public_id=campaign.public_id))


@bp.get("/campaigns/<public_id>", endpoint="campaign")
@needs(Right.READ)
def campaign_page(public_id: str) -> ResponseReturnValue:
    """One campaign: what it says while it waits, where everybody stands once it is sent."""
    found = get_campaign(public_id)
    if found.state is CampaignState.DRAFT and may(signed_in().member.role, Right.WRITE):
        return see_other(url_for(".campaign_edit", public_id=public_id))
    if found.state in (CampaignState.DRAFT, CampaignState.SCHEDULED):
        return render_template("admin/campaigns/waiting.html", **frame_of(found))
    return render_template("admin/campaigns/report.html", **frame_of(found), **progress_of(found))


@bp.post("/campaigns/<public_id>/duplicate")
@needs(Right.WRITE)
def campaign_duplicate(public_id: str) -> ResponseReturnValue:
    """A new draft that says the same."""
    who, found = signed_in(), get_campaign(public_id)
    with unit_of_work():
        copy = campaigns.duplicate_campaign(found, who.account)
        accounts.note(who.organisation, who.account, "copied a campaign", copy.public_id)
    return see_other(
        url_for(".campaign_edit", public_id=copy.public_id),
        "This is the copy. Give it a name of its own.",
    )


@bp.post("/campaigns/<public_id>/archive")
@needs(Right.WRITE)
def campaign_archive(public_id: str) -> ResponseReturnValue:
    """Take a campaign out of the list; its deliveries and proofs stay."""
    who, found = signed_in(), get_campaign(public_id)
    with unit_of_work():
        campaigns.archive_campaign(found)
        accounts.note(who.organisation, who.account, "archived a campaign", found.public_id)
    return see_other(
        url_for(".campaigns"), f"“{found.name}” is archived. Its figures and proofs are kept."
    )


@bp.route("/campaigns/<public_id>/delete", methods=["GET", "POST"])
@needs(Right.WRITE)
def campaign_delete(public_id: str) -> ResponseReturnValue:
    """Delete a draft, after a page that says so."""
    who, found = signed_in(), get_campaign(public_id)
    if request.method == "GET":
        return render_template("admin/campaigns/delete.html", **frame_of(found))
    name = found.name
    with unit_of_work():
        campaigns.delete_campaign(found)
        accounts.note(who.organisation, who.account, "deleted a draft", public_id)
    return see_other(url_for(".campaigns"), f"The draft “{name}” is deleted.")


@bp.get("/campaigns/<public_id>/progress")
@needs(Right.READ)
def campaign_progress(public_id: str) -> ResponseReturnValue:
    """Where everybody stands, as the part of the page that is asked for again and again."""
    found = get_campaign(public_id)
    if not wants_fragment():
        return see_other(url_for(".campaign", public_id=public_id))
    return render_template(
        "admin/campaigns/_progress.html", **frame_of(found), **progress_of(found)
    )


@bp.get("/campaigns/<public_id>/deliveries")
@needs(Right.READ)
def campaign_deliveries(public_id: str) -> ResponseReturnValue:
    """The audience one by one, with what became of each mail."""
    found = get_campaign(public_id)
    wanted = request.args.get("state", "")
    states = [state for state in DeliveryState if state.value == wanted]
    page = reports.list_deliveries(found, _cursor(), states=states)
    state = states[0].value if states else None

    at = partial(url_for, ".campaign_deliveries", public_id=public_id, state=state)
    return render_template(
        "admin/campaigns/deliveries.html",
        **frame_of(found),
        rows=[(line, delivery_state(line.state, line.skip_reason)) for line in page.rows],
        chosen=state or "",
        choices=[(kind.value, word) for kind, (_, word) in DELIVERY_STATES.items()],
        older_url=page.older and at(older=page.older),
        newer_url=page.newer and at(newer=page.newer),
    )


def _cursor() -> Cursor:
    return Cursor(
        older_than=request.args.get("older") or None, newer_than=request.args.get("newer") or None
    )


def get_campaign(public_id: str) -> Campaign:
    """The campaign of the organisation that is signed in for. Raises NotFound."""
    return campaigns.get_campaign(signed_in().organisation, public_id)
