"""Where one begins: what exists, and what to do next."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from mailer import (
    accounts,
    campaigns,
    consent,
    delivery,
    forms,
    lists,
    organisations,
    selfaudit,
    signup,
    subscriptions,
    transactional,
    transparency,
)
from mailer.accounts import HELD_BACK, Right
from mailer.campaigns import CampaignState
from mailer.forms import Form
from mailer.foundation.clock import now
from mailer.foundation.paging import Cursor
from mailer.organisations import Organisation
from mailer.web.admin.campaigns_shown import STATES
from mailer.web.admin.door import bp, needs, signed_in

Step = dict[str, str]

LATEST = 5
ALARM_AGE = timedelta(days=1)


@bp.get("/")
@needs(Right.READ)
def overview() -> ResponseReturnValue:
    """Figures, the next step, the latest campaigns."""
    organisation = signed_in().organisation
    live = lists.list_lists(organisation)
    counts = subscriptions.count_active([one.id for one in live])
    latest = campaigns.list_campaigns(organisation, Cursor()).rows[:LATEST]
    steps = _steps(organisation)
    return render_template(
        "admin/overview/show.html",
        subscribers=subscriptions.count_subscribers(organisation),
        origins=[
            (consent.ORIGIN_WORDS[origin].members, count)
            for origin, count in subscriptions.count_origins(organisation).items()
        ],
        rows=[(one, counts.get(one.id, 0)) for one in live],
        latest=[(one, *STATES[one.state]) for one in latest],
        steps=steps,
        alarms=_alarms(organisation),
        stuck=_stuck(organisation),
        log_alarms=transparency.list_alarms(),
        audit_alarm=selfaudit.find_alarming(),
        is_begun=all(step["state"] == "ok" for step in steps),
    )


def _alarms(organisation: Organisation) -> list[tuple[Form, int]]:
    """Forms through which more was asked in the last day than limits allow, with how many requests they hold
    still (S-034).
    """
    held = signup.count_held(organisation)
    noted = accounts.list_noted(organisation, HELD_BACK, since=now() - ALARM_AGE)
    subjects = {entry.subject for entry in noted}
    return [
        (form, held.get(form.id, 0))
        for form in forms.list_forms(organisation)
        if form.public_id in subjects or form.id in held
    ]


def _stuck(organisation: Organisation) -> str:
    """The sentence about service mails that the relay does not take; empty when they go out."""
    stuck = transactional.find_stuck(organisation)
    if stuck is None:
        return ""
    return delivery.why_stuck(stuck.count, stuck.reply_code, stuck.reply_text)


def _steps(organisation: Organisation) -> list[Step]:
    missing = organisations.missing_identity(organisation)
    known_forms = forms.list_forms(organisation)
    is_published = any(forms.find_newest_version(form) for form in known_forms)
    sent = campaigns.list_campaigns(
        organisation, Cursor(), states=(CampaignState.SENDING, CampaignState.SENT)
    )
    return [
        _step(
            not missing,
            "Say who you are",
            f"Still missing: {', '.join(missing)}." if missing else "",
            url_for(".settings"),
        ),
        _step(
            bool(organisations.list_senders(organisation)),
            "Name a sender",
            "The name and address your mails come from.",
            url_for(".senders"),
        ),
        _step(
            bool(lists.list_purposes(organisation)),
            "Say what addresses are for",
            "A purpose, in one sentence that people will read.",
            url_for(".purposes"),
        ),
        _step(
            bool(lists.list_lists(organisation)),
            "Make a mailing list",
            "Something people can join, with how often to expect mail.",
            url_for(".lists"),
        ),
        _step(
            is_published,
            "Publish a form",
            "The place where people ask to join.",
            url_for(".forms"),
        ),
        _step(
            bool(sent.rows),
            "Send your first campaign",
            "To everybody whose consent is on record.",
            url_for(".campaigns"),
        ),
    ]


def _step(is_done: bool, text: str, hint: str, href: str) -> Step:
    if is_done:
        return {"state": "ok", "text": text}
    return {"state": "warning", "text": text, "hint": hint, "href": href, "link": "Do it now"}
