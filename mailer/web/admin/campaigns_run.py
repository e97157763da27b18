"""Sending a campaign: the check list, the word to start, a time to start at, and the brakes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, campaigns, organisations
from mailer.accounts import Right
from mailer.campaigns import AudiencePreview, Campaign, Level, Place
from mailer.foundation import clock
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotFound
from mailer.foundation.parsing import Answers
from mailer.organisations import DomainDns
from mailer.web.admin.campaigns import get_campaign
from mailer.web.admin.campaigns_shown import (
    AWAY,
    checklist_of,
    frame_of,
    groups_of,
    progress_of,
)
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.sender_keys import ask_dns
from mailer.web.responses import see_other

MOST_SHOWN = 200  # people of one group
FARTHEST = timedelta(days=366)
STARTED = "Sending has begun. You can close this page; it goes on without you."
AMBIGUOUS = " The clocks go back in that hour; the first of the two is taken."


@bp.get("/campaigns/<public_id>/send")
@needs(Right.READ)
def campaign_send(public_id: str) -> ResponseReturnValue:
    """The check list, then the two ways to send: now, or at a time."""
    return _send_page(get_campaign(public_id))


@bp.get("/campaigns/<public_id>/away")
@needs(Right.READ_PEOPLE)
def campaign_away(public_id: str) -> ResponseReturnValue:
    """Who would not get the mail now for one of the reasons, or only later."""
    found, word = get_campaign(public_id), request.args.get("word", "")
    if word not in AWAY:
        raise NotFound("There is no such group.")
    place = Place(word, is_held=request.args.get("held") == "yes")
    people = campaigns.list_at(found, place, limit=MOST_SHOWN + 1)
    return render_template(
        "admin/campaigns/away.html",
        **frame_of(found),
        title=AWAY[word],
        is_held=place.is_held,
        people=people[:MOST_SHOWN],
        has_more=len(people) > MOST_SHOWN,
    )


@bp.post("/campaigns/<public_id>/start")
@needs(Right.SEND)
def campaign_start(public_id: str) -> ResponseReturnValue:
    """Begin to send, once the number of people was typed."""
    found, who = get_campaign(public_id), signed_in()
    domain_dns = _ask_dns(found)
    audience = campaigns.audience_preview(found)
    try:
        _check_number(request.form, audience)
        with unit_of_work():
            campaigns.start(found, domain_dns, audience)
            accounts.note(
                who.organisation,
                who.account,
                "started a campaign",
                public_id,
                people=audience.reachable,
            )
    except Invalid as error:
        return _send_page(found, errors=error.fields, given=request.form), 422
    return see_other(url_for(".campaign", public_id=public_id), STARTED)


@bp.post("/campaigns/<public_id>/schedule")
@needs(Right.SEND)
def campaign_schedule(public_id: str) -> ResponseReturnValue:
    """Have it start at a date and time on the organisation's clock."""
    found, who = get_campaign(public_id), signed_in()
    zone = ZoneInfo(who.organisation.time_zone)
    try:
        at = read_local_time(request.form, "at", zone)
        domain_dns = _ask_dns(found)
        audience = campaigns.audience_preview(found)
        with unit_of_work():
            campaigns.schedule(found, at, domain_dns, audience)
            accounts.note(who.organisation, who.account, "scheduled a campaign", public_id)
    except Invalid as error:
        return _send_page(found, errors=error.fields, given=request.form), 422
    is_twice = at.utcoffset() != at.replace(fold=1).utcoffset()
    local = f"{at.day} {at:%B %Y, %H:%M %Z}"
    return see_other(
        url_for(".campaign", public_id=public_id),
        f"It will start by itself on {local}.{AMBIGUOUS if is_twice else ''}",
    )


@bp.post("/campaigns/<public_id>/unschedule")
@needs(Right.SEND)
def campaign_unschedule(public_id: str) -> ResponseReturnValue:
    """Make it a draft again."""
    _step(public_id, "unscheduled a campaign")
    return see_other(
        url_for(".campaign_edit", public_id=public_id),
        "It is a draft again and will not start by itself.",
    )


@bp.post("/campaigns/<public_id>/pause")
@needs(Right.SEND)
def campaign_pause(public_id: str) -> ResponseReturnValue:
    """Stop for the time being."""
    _step(public_id, "paused a campaign")
    return see_other(
        url_for(".campaign", public_id=public_id),
        "Sending is paused. Mails already handed to the mail server cannot be taken back.",
    )


@bp.post("/campaigns/<public_id>/resume")
@needs(Right.SEND)
def campaign_resume(public_id: str) -> ResponseReturnValue:
    """Go on where it stopped."""
    _step(public_id, "resumed a campaign")
    return see_other(url_for(".campaign", public_id=public_id), "Sending goes on.")


@bp.route("/campaigns/<public_id>/cancel", methods=["GET", "POST"])
@needs(Right.SEND)
def campaign_cancel(public_id: str) -> ResponseReturnValue:
    """End it for good, after a page that says in numbers what that means."""
    if request.method == "GET":
        found = get_campaign(public_id)
        return render_template(
            "admin/campaigns/cancel.html", **frame_of(found), **progress_of(found)
        )
    _step(public_id, "cancelled a campaign")
    return see_other(
        url_for(".campaign", public_id=public_id),
        "The campaign is cancelled. Nobody who has not had it yet will get it.",
    )


_STEPS = {
    "unscheduled a campaign": campaigns.unschedule,
    "paused a campaign": campaigns.pause,
    "resumed a campaign": campaigns.resume,
    "cancelled a campaign": campaigns.cancel,
}


def _step(public_id: str, action: str) -> None:
    found, who = get_campaign(public_id), signed_in()
    with unit_of_work():
        _STEPS[action](found)
        accounts.note(who.organisation, who.account, action, public_id)


def read_local_time(given: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime:
    """A date and time on the clocks of `zone`, as an aware moment.

    Raises Invalid for what is no time, is past, is further off than a year, or falls into the hour that
    the clocks leave out. Of an hour that comes twice the first is taken.
    """
    answers = Answers(given)
    at = answers.local_time(name, zone)
    answers.check()
    if at is None:
        raise Invalid("Please give a date and a time.", {name: "Please give a date and a time."})
    here = clock.now().astimezone(zone)
    wall = at.replace(tzinfo=None, fold=0)
    if wall <= here.replace(tzinfo=None) - timedelta(hours=2):
        _refuse(name, "This time has passed. Please choose a later one, or start the campaign now.")
    if wall > here.replace(tzinfo=None) + FARTHEST:
        _refuse(name, "This is more than a year away. Please choose an earlier time.")
    if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != wall:
        _refuse(name, "The clocks go forward then and leave this hour out. Choose another time.")
    return at


def _check_number(given: Mapping[str, str], audience: AudiencePreview) -> None:
    """The number typed is the one shown, and the one shown still holds, give or take who came since."""
    typed = "".join(mark for mark in given.get("number", "") if mark not in " ,.'\u00a0\u202f")
    shown = given.get("shown", "")
    now_reached = audience.reachable
    if not typed.isascii() or not typed.isdigit() or len(typed) > 12:
        _refuse("number", f"Please type the number of people: {now_reached:,}.")
    if not shown.isascii() or not shown.isdigit() or len(shown) > 12:
        shown = str(now_reached)
    if abs(int(shown) - now_reached) > max(10, now_reached // 20):
        _refuse("number", f"It would go to {now_reached:,} people now. Please type that number.")
    if int(typed) not in (int(shown), now_reached):
        _refuse("number", f"It goes to {now_reached:,} people, not {int(typed):,}. Please check.")


def _ask_dns(found: Campaign) -> DomainDns | None:
    """What DNS says of the sender's domain; asked before anything is locked or counted."""
    if found.sender_id is None:
        return None
    return ask_dns(organisations.get_sender_by_id(found.sender_id))


def _refuse(name: str, sentence: str) -> None:
    raise Invalid(sentence, {name: sentence})


def _send_page(
    found: Campaign,
    *,
    errors: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
) -> str:
    domain_dns = _ask_dns(found)
    audience = campaigns.audience_preview(found)
    findings = campaigns.checks.run(found, audience, domain_dns)
    return render_template(
        "admin/campaigns/send.html",
        **frame_of(found),
        items=checklist_of(found, findings),
        is_blocked=any(finding.level is Level.BLOCKING for finding in findings),
        audience=audience,
        **groups_of(found, audience),
        errors=errors or {},
        given=given or {},
        time_zone=signed_in().organisation.time_zone,
    )
