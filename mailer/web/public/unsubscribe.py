"""Leaving: one press in the mail program (RFC 8058), or one button on the page from the footer.

Works for ever, without cookie, sign-in or script, also after a list or a campaign is gone (C-065, E-024).
"""

from __future__ import annotations

from flask import Blueprint, render_template, request

from mailer import subscriptions
from mailer.contacts import Contact
from mailer.foundation.database import unit_of_work
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id
from mailer.web.public.letterhead import act_evidence, letterhead
from mailer.web.public.preferences import choices_of

bp = Blueprint("unsubscribe", __name__)


@bp.get("/u/<token>", strict_slashes=False)
def show(token: str) -> str:
    """One button; opening the page changes nothing (L-001)."""
    found = subscriptions.find_by_unsubscribe_token(token)
    if found is None:
        return _nothing_known()
    contact, mailing_list = found
    organisation = get_organisation_by_id(contact.organisation_id)
    return render_template(
        "public/unsubscribe.html",
        token=token,
        mailing_list=mailing_list,
        is_active=subscriptions.is_active(contact, mailing_list),
        preferences_token=sign_lasting(Purpose.PREFERENCES, contact.public_id),
        **letterhead(organisation),
    )


@bp.post("/u/<token>", strict_slashes=False)
def unsubscribe(token: str) -> str:
    """Unsubscribe at once, answered 200 here and now, never with a redirect (E-022, E-023, E-025)."""
    everything = request.form.get("scope") == "all"
    is_one_click = request.form.get("List-Unsubscribe") == "One-Click"
    with unit_of_work():
        found = subscriptions.find_by_unsubscribe_token(token)
        if found is None:
            return _nothing_known()
        contact, mailing_list = found
        evidence = act_evidence("one-click in the mail" if is_one_click else "button", token)
        if everything:
            subscriptions.unsubscribe_all(contact, evidence)
        else:
            subscriptions.unsubscribe(contact, mailing_list, evidence)
    return _done(contact, mailing_list, everything=everything)


def _done(contact: Contact, mailing_list: MailingList, *, everything: bool) -> str:
    organisation = get_organisation_by_id(contact.organisation_id)
    return render_template(
        "public/unsubscribed.html",
        mailing_list=mailing_list,
        everything=everything,
        choices=choices_of(contact),
        preferences_token=sign_lasting(Purpose.PREFERENCES, contact.public_id),
        **letterhead(organisation),
    )


def _nothing_known() -> str:
    """The same quiet answer for a damaged link and for a person who was erased (E-024)."""
    return render_template("public/nothing_known.html", language="en")
