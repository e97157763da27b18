"""The preference page: every list of the organisation, and where a person stands with each (C-067).

It has two doors. The lasting link at the foot of a mail may be forwarded, so behind it one can only lessen:
leave, pause, ask for less, stop. The fresh link, which is mailed to the address, opens the same page with
joining, allowing and lifting a block besides (S-003).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import rfc8785
from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import consent, contacts, subscriptions
from mailer.contacts import Contact
from mailer.foundation.addresses import mask_address
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import LinkExpired, NotAllowed
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.lists import MailingList, get_list
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.subscriptions import FreshLink
from mailer.web.public.letterhead import act_evidence, letterhead
from mailer.web.public.mailed_link import mailed
from mailer.web.public.measuring import AGREE, STOP, agree, measuring_of, stop
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
    "lifted": "The block is lifted. You are subscribed to nothing by this.",
    "undone": "That is undone. You receive what you received before.",
}
PAUSES = [("30", "one month"), ("90", "three months"), ("182", "half a year")]
NEEDS_LINK = (
    "Nothing was changed. This link can only stop mail or make it less, for it may have been forwarded. "
    "To join, or to get more, have a link mailed to your address."
)
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


class _NeedsFreshLink(Exception):
    """An act that a link which may have been forwarded must not do."""


@bp.get("/p/<token>", strict_slashes=False)
def show(token: str) -> str:
    """All lists; the address is masked, for a mail may have been forwarded (S-003)."""
    return _page(subscriptions.read_preferences_token(token))


@bp.post("/p/<token>", strict_slashes=False)
def change(token: str) -> ResponseReturnValue:
    """Less, at once: leave, leave everything, pause, stop the measuring; each is recorded."""
    try:
        with unit_of_work():
            contact = subscriptions.read_preferences_token(token)
            done, undo = _lessen(contact, act_evidence("preference page", token))
    except _NeedsFreshLink:
        return _page(subscriptions.read_preferences_token(token), refused=NEEDS_LINK), 403
    return redirect(url_for("preferences.show", token=token, done=done, undo=undo or None), 303)


@bp.post("/p/<token>/link")
def ask(token: str) -> str:
    """Mail the fresh link to the address we know."""
    return mailed(token, subscriptions.mail_fresh_link, "public/link_asked.html")


@bp.get("/m/<token>", strict_slashes=False)
def show_fresh(token: str) -> ResponseReturnValue:
    """The same page with everything; looking changes nothing (L-001)."""
    try:
        link = subscriptions.read_fresh_link(token)
    except LinkExpired:
        return _expired(token)
    return _page(link.contact, fresh=token) if link.contact else _blocked(link, token)


@bp.post("/m/<token>", strict_slashes=False)
def change_fresh(token: str) -> ResponseReturnValue:
    """Join, allow measuring, lift a block, and whatever else; recorded with the words that were shown."""
    try:
        with unit_of_work():
            link = subscriptions.read_fresh_link(token)
            done, undo = _change(link, token)
    except LinkExpired:
        return _expired(token)
    return redirect(
        url_for("preferences.show_fresh", token=token, done=done, undo=undo or None), 303
    )


@bp.post("/m/<token>/again")
def ask_again(token: str) -> str:
    """A new fresh link for one that has expired, to the same address."""
    with unit_of_work():
        organisation = subscriptions.mail_fresh_link_again(token)
    return render_template("public/link_on_its_way.html", **letterhead(organisation))


@bp.get("/undo/<token>", strict_slashes=False)
def show_undo(token: str) -> ResponseReturnValue:
    """Looking undoes nothing: on to what the person receives."""
    contact = subscriptions.whose_undo(token)
    return redirect(url_for("preferences.show", token=_lasting(contact)), 303)


@bp.post("/undo/<token>", strict_slashes=False)
def undo(token: str) -> ResponseReturnValue:
    """Give again exactly what was ended by the press before, for half an hour."""
    with unit_of_work():
        contact = subscriptions.whose_undo(token)
        subscriptions.undo(token, act_evidence("undo, pressed within 30 minutes", token))
    return redirect(url_for("preferences.show", token=_lasting(contact), done="undone"), 303)


def _lasting(contact: Contact) -> str:
    return sign_lasting(Purpose.PREFERENCES, contact.public_id)


def _page(contact: Contact, *, fresh: str = "", refused: str = "") -> str:
    """`fresh` is the token of the fresh link, where the page was opened with one."""
    organisation = get_organisation_by_id(contact.organisation_id)
    token = _lasting(contact)
    is_blocked = subscriptions.is_blocked(organisation, contact.address_digest)
    here = url_for("preferences.change", token=token)
    return render_template(
        "public/preferences.html",
        token=token,
        change_url=url_for("preferences.change_fresh", token=fresh) if fresh else here,
        is_fresh=bool(fresh),
        may_join=bool(fresh) and not is_blocked,
        is_blocked=is_blocked,
        masked_address=mask_address(contact.address or ""),
        choices=choices_of(contact),
        done=DONE.get(request.args.get("done", "")),
        undo_token=request.args.get("undo", ""),
        refused=refused,
        contact=contact,
        measuring=measuring_of(contact),
        pauses=PAUSES,
        intervals=INTERVALS,
        receipts_url=all_url(contact),
        **letterhead(organisation),
    )


def _blocked(link: FreshLink, token: str) -> str:
    return render_template(
        "public/blocked.html",
        token=token,
        is_blocked=link.is_blocked,
        is_lifted=request.args.get("done") == "lifted",
        **letterhead(link.organisation),
    )


def _expired(token: str) -> ResponseReturnValue:
    link = subscriptions.read_expired_fresh_link(token)
    page = render_template(
        "public/link_expired.html",
        token=token,
        is_known=link.contact is not None,
        **letterhead(link.organisation),
    )
    return page, 410


def _lessen(contact: Contact, evidence: dict[str, Any]) -> tuple[str, str]:
    """What any link may do; returns what to say, and the token that undoes it, if anything was ended."""
    action = request.form.get("action", "")
    if action == "leave_all":
        withdrawn = subscriptions.unsubscribe_all(contact, evidence)
        return "stopped", subscriptions.sign_undo(contact, withdrawn)
    if action == "leave":
        organisation = get_organisation_by_id(contact.organisation_id)
        mailing_list = get_list(organisation, request.form.get("list", ""))
        withdrawn = subscriptions.unsubscribe(contact, mailing_list, evidence)
        return "left", subscriptions.sign_undo(contact, withdrawn)
    if action == STOP:
        return "not_counted", subscriptions.sign_undo(contact, stop(contact, evidence))
    if action in ("pause", "interval"):
        return _note_wish(action, contact, may_be_more=False), ""
    if action not in ("join", "end_pause", "lift", AGREE):
        abort(400, "Please press one of the buttons of the page.")
    raise _NeedsFreshLink


def _change(link: FreshLink, token: str) -> tuple[str, str]:
    """What the fresh link may do besides."""
    action, contact = request.form.get("action", ""), link.contact
    if action == "lift":
        subscriptions.lift_block(link)
        return "lifted", ""
    if contact is None:
        raise NotAllowed("This link can only lift the block of this address.")
    evidence = act_evidence("mailed link", token)
    if action == "join":
        mailing_list = get_list(link.organisation, request.form.get("list", ""))
        return _join(contact, mailing_list, {**evidence, **subscriptions.fresh_evidence(link)}), ""
    if action == AGREE:
        return agree(contact, {**evidence, **subscriptions.fresh_evidence(link)}), ""
    if action == "end_pause":
        contacts.end_pause(contact)
        return "resumed", ""
    if action in ("pause", "interval"):
        return _note_wish(action, contact, may_be_more=True), ""
    return _lessen(contact, evidence)


def _note_wish(action: str, contact: Contact, *, may_be_more: bool) -> str:
    """Keep a wish for less mail; it is the person's own and needs no proof."""
    if action == "pause":
        days = request.form.get("days", "")
        if days not in {value for value, _ in PAUSES}:
            abort(400, "Please choose one of the answers.")
        is_longer = contact.paused_until is None or (
            contact.paused_until <= now() + timedelta(days=int(days))
        )
        if may_be_more or is_longer:
            contacts.pause(contact, days=int(days))
        return "paused"
    interval = request.form.get("interval", "")
    if interval and interval not in {value for value, _ in INTERVALS}:
        abort(400, "Please choose one of the answers.")
    days_now, days_then = contact.mail_interval_days or 0, int(interval or 0)
    if days_then < days_now and not may_be_more:
        raise _NeedsFreshLink
    contacts.set_mail_interval(contact, days_then or None)
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


def _join(contact: Contact, mailing_list: MailingList, evidence: dict[str, Any]) -> str:
    """Join, unless they are in it already; returns which of these, and whether they were in it before."""
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
