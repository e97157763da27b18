"""People: who they are, where they stand with each list, and what proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import (
    consent,
    contacts,
    imports,
    receipts,
    reports,
    signup,
    subscriptions,
    suppression,
)
from mailer.accounts import Right
from mailer.consent import Origin
from mailer.contacts import Contact
from mailer.foundation.paging import Cursor
from mailer.lists import LANGUAGES, MailingList
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.suppression import Reason
from mailer.web.admin.consent_history import Episode, tell_history
from mailer.web.admin.door import bp, needs, signed_in

LONGEST_SEARCH = 200
NEWEST_MAILS = 20

Membership = tuple[Subscription, MailingList]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of the list of people; holds no network address (C-046)."""

    contact: Contact
    name: str
    state: tuple[str, str]
    list_names: list[str]


@dataclass(frozen=True, slots=True)
class MembershipShown:
    """A membership with the public id of the record that allows it, and how that came about."""

    subscription: Subscription
    mailing_list: MailingList
    state: tuple[str, str]
    proof_id: str
    how: str


@bp.get("/people/")
@needs(Right.READ_PEOPLE)
def people() -> ResponseReturnValue:
    """Everybody we know by address, newest first."""
    organisation = signed_in().organisation
    search = request.args.get("search", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    page = contacts.list_contacts(organisation, search, cursor_of_request())
    memberships = subscriptions.list_of_each(page.rows)
    stopped = subscriptions.find_stopped(page.rows)
    rows = [_row(contact, memberships[contact.id], stopped) for contact in page.rows]
    return render_template(
        "admin/people/list.html",
        rows=rows,
        search=search,
        count=subscriptions.count_subscribers(organisation),
        older_url=page.older and url_for(".people", search=search or None, older=page.older),
        newer_url=page.newer and url_for(".people", search=search or None, newer=page.newer),
    )


@bp.get("/people/waiting")
@needs(Right.READ_PEOPLE)
def people_waiting() -> ResponseReturnValue:
    """Requests that nobody has confirmed; not people yet (C-029)."""
    page = signup.list_pending(signed_in().organisation, cursor_of_request())
    return render_template(
        "admin/people/waiting.html",
        rows=page.rows,
        older_url=page.older and url_for(".people_waiting", older=page.older),
        newer_url=page.newer and url_for(".people_waiting", newer=page.newer),
    )


@bp.get("/people/<public_id>")
@needs(Right.READ_PEOPLE)
def person(public_id: str) -> ResponseReturnValue:
    """One person with everything that is recorded about them; opened in full it prints well (C-045)."""
    organisation = signed_in().organisation
    contact = contacts.get_contact(organisation, public_id)
    history = tell_history(
        consent.timeline(sorted({*signup.subjects_of(contact), *imports.subjects_of(contact)}))
    )
    digest = contact.address_digest
    suppressions = suppression.list_entries(organisation, digest) if digest else []
    bounced_at = [one.created_at for one in suppressions if one.reason is Reason.BOUNCE]
    memberships = subscriptions.list_of(contact)
    stopped = subscriptions.find_stopped([contact])
    return render_template(
        "admin/people/person.html",
        contact=contact,
        name=name_of(contact),
        memberships=[_shown(*membership, history, stopped) for membership in memberships],
        history=history,
        suppressions=suppressions,
        standing=_standing_entries(memberships, stopped),
        has_bounced=any(
            one.reason is Reason.BOUNCE and one.lifted_at is None for one in suppressions
        ),
        bounces=reports.bounced_mails(contact, bounced_at),
        mails=reports.list_mails_to(contact, limit=NEWEST_MAILS),
        languages=LANGUAGES,
        is_open=request.args.get("open") == "all",
    )


@bp.get("/people/<public_id>/evidence/<sha256>")
@needs(Right.READ_PEOPLE)
def person_evidence(public_id: str, sha256: str) -> ResponseReturnValue:
    """The confirmation mail of a person as it left (C-042), the secrets of its links blotted out, as a file."""
    contact = contacts.get_contact(signed_in().organisation, public_id)
    body = consent.show_mail(consent.get_subject(contact.subject_id), sha256)
    response: Response = make_response(body)
    response.mimetype = "message/rfc822"
    response.headers["Content-Disposition"] = 'attachment; filename="confirmation.eml"'
    return response


def cursor_of_request() -> Cursor:
    """Where the page that is asked for begins."""
    return Cursor(
        older_than=request.args.get("older") or None, newer_than=request.args.get("newer") or None
    )


def name_of(contact: Contact) -> str:
    """First and last name, or an empty string."""
    return f"{contact.first_name} {contact.last_name}".strip()


def _row(
    contact: Contact, memberships: list[Membership], stopped: Mapping[int, set[int]]
) -> PersonRow:
    active = [
        mailing_list.name
        for subscription, mailing_list in memberships
        if subscription.state is SubscriptionState.ACTIVE and subscription.id not in stopped
    ]
    states = {subscription.state for subscription, _ in memberships}
    if active:
        state = ("proven", "subscribed")
    elif SubscriptionState.ACTIVE in states:
        state = ("held", "not to be mailed")
    elif SubscriptionState.PAUSED in states:
        state = ("held", "paused")
    elif states:
        state = ("withdrawn", "unsubscribed")
    else:
        state = ("withdrawn", "on no list")
    return PersonRow(contact, name_of(contact), state, active)


_MEMBERSHIP_STATES = {
    SubscriptionState.ACTIVE: ("proven", "subscribed, with proof"),
    SubscriptionState.PAUSED: ("held", "paused"),
    SubscriptionState.ENDED: ("withdrawn", "ended"),
}


def _standing_entries(
    memberships: list[Membership], stopped: Mapping[int, set[int]]
) -> set[int] | None:
    """Which suppressions stand against a membership; None when there is no active one to tell by."""
    if not any(one.state is SubscriptionState.ACTIVE for one, _ in memberships):
        return None
    return {entry for entries in stopped.values() for entry in entries}


def _shown(
    subscription: Subscription,
    mailing_list: MailingList,
    history: list[Episode],
    stopped: Mapping[int, set[int]],
) -> MembershipShown:
    entries = [entry for episode in history for entry in episode.entries]
    proof = next((one for one in entries if one.record.id == subscription.proof_id), None)
    state = _MEMBERSHIP_STATES[subscription.state]
    how = ""
    if proof is not None and subscription.state is SubscriptionState.ACTIVE:
        provenance = receipts.provenance_in(proof)
        how = consent.how(provenance)
        if provenance.origin is Origin.ELSEWHERE:
            state = ("proven", "subscribed, imported consent")
    if subscription.id in stopped:
        state = ("held", "not mailed: see “Not to be mailed”")
    proof_id = proof.record.public_id if proof else ""
    return MembershipShown(subscription, mailing_list, state, proof_id, how)
