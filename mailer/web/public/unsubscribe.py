"""Leaving: one press in the mail program (RFC 8058), or one button on the page from the footer.

Works for ever, without cookie, sign-in or script, also after a list or a campaign is gone (C-065, E-024).
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from mailer import subscriptions
from mailer.contacts import Contact
from mailer.foundation.database import unit_of_work
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id
from mailer.web.public.letterhead import act_evidence, letterhead, nothing_known
from mailer.web.public.preferences import choices_of

bp = Blueprint("unsubscribe", __name__)


@bp.get("/u/<token>", strict_slashes=False)
def show(token: str) -> str:
    """One button; opening the page changes nothing (L-001)."""
    found = subscriptions.read_unsubscribe_token(token)
    if found is None:
        return nothing_known()
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
    """Unsubscribe at once, answered 200 here and now, never with a redirect (E-022, E-023, E-025).

    A link that cannot be read is answered 410: who is still subscribed must not be told that it worked.
    """
    everything = request.form.get("scope") == "all"
    is_one_click = request.form.get("List-Unsubscribe") == "One-Click"
    with unit_of_work():
        found = subscriptions.read_unsubscribe_token(token)
        if found is None:
            return nothing_known()
        contact, mailing_list = found
        evidence = act_evidence("one-click in the mail" if is_one_click else "button", token)
        if everything:
            withdrawn = subscriptions.unsubscribe_all(contact, evidence)
        else:
            withdrawn = subscriptions.unsubscribe(contact, mailing_list, evidence)
        undo = subscriptions.sign_undo(contact, withdrawn)
    return _done(contact, mailing_list, everything=everything, undo=undo)


def _done(contact: Contact, mailing_list: MailingList, *, everything: bool, undo: str) -> str:
    organisation = get_organisation_by_id(contact.organisation_id)
    preferences_token = sign_lasting(Purpose.PREFERENCES, contact.public_id)
    return render_template(
        "public/unsubscribed.html",
        mailing_list=mailing_list,
        everything=everything,
        undo_token=undo,
        choices=choices_of(contact),
        change_url=url_for("preferences.change", token=preferences_token),
        preferences_token=preferences_token,
        **letterhead(organisation),
    )
