"""What the team does because a person asked: unsubscribe them, and put their name right.

The team can end and correct, never join somebody, allow measuring or lift a block: that is the person's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, contacts, subscriptions
from mailer.accounts import Right
from mailer.contacts import Contact
from mailer.foundation.clock import iso, now
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.lists import get_list
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.people import name_of
from mailer.web.responses import see_other

EVERYTHING = "all"
WAYS = {
    "telephone": "by telephone",
    "letter": "by letter",
    "in person": "in person",
    "e-mail": "by e-mail",
}
LONGEST_NOTE = 1_000
_DAY = "%Y-%m-%dT%H:%M"
NOT_DONE = "Nobody was unsubscribed. Please look at what is marked."


@bp.get("/people/<public_id>/unsubscribe")
@needs(Right.CHANGE_PEOPLE)
def person_unsubscribe(public_id: str) -> ResponseReturnValue:
    """Ask from what, how and when they asked; changes nothing."""
    local = now().astimezone(_zone())
    return _unsubscribe_page(public_id, {"what": EVERYTHING, "at": local.strftime(_DAY)})


@bp.post("/people/<public_id>/unsubscribe")
@needs(Right.CHANGE_PEOPLE)
def person_unsubscribe_now(public_id: str) -> ResponseReturnValue:
    """End it at once; how and when they asked is the evidence of the withdrawal (GDPR Art. 7(3))."""
    me, given = signed_in(), request.form.to_dict()
    contacts.get_contact(me.organisation, public_id)
    try:
        evidence = {**_asked(given), "recorded_by": me.member.public_id}
        with unit_of_work():
            contact = contacts.get_contact(me.organisation, public_id)
            ended = _unsubscribe(contact, given.get("what", ""), evidence)
            accounts.note(
                me.organisation,
                me.account,
                "unsubscribed a person who asked",
                public_id,
                method=evidence["method"],
                asked_at=evidence["asked_at"],
                what=given["what"],
                records=ended,
            )
    except Invalid as error:
        return _unsubscribe_page(public_id, given, error.fields), 422
    except NotAllowed as error:
        return see_other(url_for(".person", public_id=public_id), str(error), kind="error")
    said = "Unsubscribed. The withdrawal is recorded, with how and when they asked."
    if not ended:
        said = "They were not subscribed. It is noted that they asked."
    return see_other(url_for(".person", public_id=public_id), said)


@bp.get("/people/<public_id>/name")
@needs(Right.CHANGE_PEOPLE)
def person_name(public_id: str) -> ResponseReturnValue:
    """The name as it stands, to be put right."""
    contact = contacts.get_contact(signed_in().organisation, public_id)
    given = {"first_name": contact.first_name, "last_name": contact.last_name}
    return _name_page(contact, given)


@bp.post("/people/<public_id>/name")
@needs(Right.CHANGE_PEOPLE)
def person_name_now(public_id: str) -> ResponseReturnValue:
    """Correct the name (GDPR Art. 16). Noted is which part changed, neither the old nor the new one."""
    me, given = signed_in(), request.form.to_dict()
    here = url_for(".person", public_id=public_id)
    try:
        with unit_of_work():
            contact = contacts.get_contact(me.organisation, public_id)
            changed = contacts.correct_name(
                contact, given.get("first_name", ""), given.get("last_name", "")
            )
            if changed:
                accounts.note(
                    me.organisation, me.account, "corrected a name", public_id, changed=changed
                )
    except Invalid as error:
        contact = contacts.get_contact(me.organisation, public_id)
        return _name_page(contact, given, error.fields), 422
    except NotAllowed as error:
        return see_other(here, str(error), kind="error")
    return see_other(here, "The name is corrected." if changed else "The name was right already.")


def _unsubscribe(contact: Contact, what: str, evidence: Mapping[str, str]) -> int:
    """How many consents were ended. Raises NotAllowed once the person is erased."""
    if contact.erased_at is not None:
        raise NotAllowed("This person was erased. There is nothing to unsubscribe.")
    if what == EVERYTHING:
        return len(subscriptions.unsubscribe_all(contact, evidence))
    mailing_list = get_list(signed_in().organisation, what)
    return len(subscriptions.unsubscribe(contact, mailing_list, evidence))


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """How and when somebody asked, as evidence. Raises Invalid."""
    wrong: dict[str, str] = {}
    way, note = given.get("way", ""), " ".join(given.get("note", "").split())
    if not given.get("what"):
        wrong["what"] = "Please say from what."
    if way not in WAYS:
        wrong["way"] = "Please say how they asked."
    if len(note) > LONGEST_NOTE:
        wrong["note"] = f"Please use up to {LONGEST_NOTE:,} characters."
    asked_at = None
    try:
        asked_at = datetime.strptime(given.get("at", ""), _DAY).replace(tzinfo=_zone())
    except ValueError:
        wrong["at"] = "Please give a day and a time."
    if asked_at is not None and asked_at > now():
        wrong["at"] = "This is still to come. Please give the day and time when they asked."
    if wrong or asked_at is None:
        raise Invalid(NOT_DONE, wrong)
    told = {"method": f"asked {WAYS[way]}", "asked_at": iso(asked_at.astimezone(UTC))}
    return {**told, "note": note} if note else told


def _zone() -> ZoneInfo:
    return ZoneInfo(signed_in().organisation.time_zone)


def _unsubscribe_page(
    public_id: str, given: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    contact = contacts.get_contact(signed_in().organisation, public_id)
    return render_template(
        "admin/people/unsubscribe.html",
        contact=contact,
        name=name_of(contact),
        whats=[
            (EVERYTHING, "Everything: all lists, and measuring"),
            *(
                (choice.mailing_list.public_id, choice.mailing_list.name)
                for choice in subscriptions.list_choices(contact)
                if choice.is_active
            ),
        ],
        ways=[(key, words[:1].upper() + words[1:]) for key, words in WAYS.items()],
        time_zone=signed_in().organisation.time_zone,
        given=given,
        errors=errors or {},
    )


def _name_page(
    contact: Contact, given: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    return render_template(
        "admin/people/name.html",
        contact=contact,
        name=name_of(contact),
        given=given,
        errors=errors or {},
        longest=contacts.LONGEST_NAME,
    )
