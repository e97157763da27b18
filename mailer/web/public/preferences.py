"""The preference page: every list of the organisation, with join and leave beside it (C-067)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rfc8785
from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mailer import consent, contacts, subscriptions
from mailer.contacts import Contact
from mailer.foundation.addresses import mask_address
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList, get_list
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.web.public.letterhead import act_evidence, letterhead
from mailer.web.public.measuring import AGREE, STOP, measuring_of, stop_or_agree
from mailer.web.public.receipts import ReceiptLink, all_url, links_of

bp = Blueprint("preferences", __name__)

DONE = {
    "joined": "You are subscribed. The consent you just gave is recorded.",
    "rejoined": "You are subscribed again. The consent you just gave is recorded.",
    "standing": "You were subscribed already. Nothing was changed.",
    "left": "You are unsubscribed. You receive no further mail of this list.",
    "stopped": "You are unsubscribed from everything.",
    "paused": "Your pause has begun. Mails already on their way may still arrive.",
    "resumed": "Your pause is over.",
    "kept": "We keep to that.",
    "not_counted": "Nothing is measured any more. Your mail goes on as before.",
    "agreed_before": "You had agreed already. Nothing was changed.",
    "counted": "Thank you. The consent you just gave is recorded.",
}
PAUSES = [("30", "one month"), ("90", "three months"), ("182", "half a year")]
INTERVALS = [("7", "a week"), ("14", "in two weeks"), ("30", "a month"), ("90", "in three months")]


@dataclass(frozen=True, slots=True)
class Choice:
    """A list as the page shows it; `words` is what joining means, kept as read, `how` where it comes from."""

    mailing_list: MailingList
    is_active: bool
    stations: list[dict[str, Any]]
    words: str
    how: str
    receipt_url: str


@bp.get("/p/<token>", strict_slashes=False)
def show(token: str) -> str:
    """All lists; the address is masked, for a mail may have been forwarded (S-003)."""
    contact = subscriptions.read_preferences_token(token)
    organisation = get_organisation_by_id(contact.organisation_id)
    return render_template(
        "public/preferences.html",
        token=token,
        masked_address=mask_address(contact.address or ""),
        choices=choices_of(contact),
        done=DONE.get(request.args.get("done", "")),
        contact=contact,
        measuring=measuring_of(contact),
        pauses=PAUSES,
        intervals=INTERVALS,
        receipts_url=all_url(contact),
        **letterhead(organisation),
    )


@bp.post("/p/<token>", strict_slashes=False)
def change(token: str) -> Response:
    """Join, leave, or leave everything; each is recorded with the words that were shown."""
    action = request.form.get("action", "")
    with unit_of_work():
        contact = subscriptions.read_preferences_token(token)
        organisation = get_organisation_by_id(contact.organisation_id)
        evidence = act_evidence("preference page", token)
        if action == "leave_all":
            subscriptions.unsubscribe_all(contact, evidence)
            done = "stopped"
        elif action in ("pause", "end_pause", "interval"):
            done = _note_wish(action, contact)
        elif action in (STOP, AGREE):
            done = stop_or_agree(action, contact, evidence)
        elif action in ("join", "leave"):
            mailing_list = get_list(organisation, request.form.get("list", ""))
            done = _join_or_leave(action, contact, mailing_list, evidence)
        else:
            abort(400, "Please press one of the buttons of the page.")
    return redirect(url_for("preferences.show", token=token, done=done), 303)


def _note_wish(action: str, contact: Contact) -> str:
    """Keep a wish for less mail; it is the person's own and needs no proof."""
    if action == "pause":
        days = request.form.get("days", "")
        if days not in {value for value, _ in PAUSES}:
            abort(400, "Please choose one of the answers.")
        contacts.pause(contact, days=int(days))
        return "paused"
    if action == "end_pause":
        contacts.end_pause(contact)
        return "resumed"
    interval = request.form.get("interval", "")
    if interval and interval not in {value for value, _ in INTERVALS}:
        abort(400, "Please choose one of the answers.")
    contacts.set_mail_interval(contact, int(interval) if interval else None)
    return "kept"


def choices_of(contact: Contact) -> list[Choice]:
    """Every list of the organisation and where this person stands with it."""
    organisation = get_organisation_by_id(contact.organisation_id)
    links = links_of(contact)
    return [
        _choice(organisation, choice, links.get(choice.mailing_list.public_id))
        for choice in subscriptions.list_choices(contact)
    ]


def _choice(
    organisation: Organisation, choice: subscriptions.ListChoice, link: ReceiptLink | None
) -> Choice:
    return Choice(
        mailing_list=choice.mailing_list,
        is_active=choice.is_active,
        stations=link.stations if link and link.was_given else [],
        words=words_of(organisation, choice.mailing_list),
        how=link.how if link and choice.is_active else "",
        receipt_url=link.url if link else "",
    )


def words_of(organisation: Organisation, mailing_list: MailingList) -> str:
    """What joining a list here means, in the words shown beside the button (C-006)."""
    return (
        f"{organisation.legal_name} sends you “{mailing_list.name}” by e-mail "
        f"({mailing_list.frequency}). {mailing_list.purpose.sentence} "
        "You can leave at any time, here or with the link in every mail."
    )


def _join_or_leave(
    action: str, contact: Contact, mailing_list: MailingList, evidence: dict[str, Any]
) -> str:
    if action == "leave":
        subscriptions.unsubscribe(contact, mailing_list, evidence)
        return "left"
    if subscriptions.is_active(contact, mailing_list):
        return "standing"
    was_member = any(known == mailing_list for _, known in subscriptions.list_of(contact))
    organisation = get_organisation_by_id(contact.organisation_id)
    notice = consent.publish_notice(organisation)
    shown = {
        "text": words_of(organisation, mailing_list),
        "button": f"Join {mailing_list.name}",
        "notice_number": str(notice.number),
    }
    sha256 = consent.store_text(rfc8785.dumps(shown), "application/json")
    evidence = {**evidence, "shown_sha256": sha256, "notice_sha256": notice.text_sha256}
    subscriptions.join(contact, mailing_list, evidence)
    return "rejoined" if was_member else "joined"
