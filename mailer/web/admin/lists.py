"""Mailing lists: what one can join."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, lists, organisations, subscriptions
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.lists import LANGUAGES, LawfulBasis, MailingList
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other


@bp.get("/lists/", endpoint="lists")
@needs(Right.READ)
def all_lists() -> ResponseReturnValue:
    """Every list with how many people are on it."""
    found = lists.list_lists(signed_in().organisation, with_archived=True)
    counts = subscriptions.count_active([one.id for one in found])
    return render_template(
        "admin/lists/list.html", rows=[(one, counts.get(one.id, 0)) for one in found]
    )


@bp.get("/lists/new")
@needs(Right.WRITE)
def new_list() -> ResponseReturnValue:
    """The empty form."""
    return _page({"language": "en"})


@bp.post("/lists/new")
@needs(Right.WRITE)
def create_list() -> ResponseReturnValue:
    """Create a list."""
    me = signed_in()
    try:
        with unit_of_work():
            made = lists.create_list(me.organisation, _draft())
            accounts.note(me.organisation, me.account, "created a list", made.public_id)
    except Invalid as error:
        return _page(request.form, error.fields), 422
    words = f"{made.name} is ready. A form can now offer it."
    return see_other(url_for(".mailing_list", public_id=made.public_id), words)


@bp.get("/lists/<public_id>")
@needs(Right.READ)
def mailing_list(public_id: str) -> ResponseReturnValue:
    """What a list is, who is on it in numbers, and how to take it out of use."""
    found = lists.get_list(signed_in().organisation, public_id)
    sender = organisations.get_sender_by_id(found.sender_id)
    return render_template(
        "admin/lists/show.html",
        mailing_list=found,
        purpose=found.purpose,
        sender=sender,
        list_id=lists.list_id_header(found, sender),
        language_name=LANGUAGES.get(found.language, found.language),
        count=_count(found),
    )


@bp.get("/lists/<public_id>/edit")
@needs(Right.WRITE)
def edit_list(public_id: str) -> ResponseReturnValue:
    """The form with what the list is now."""
    found = lists.get_list(signed_in().organisation, public_id)
    if found.archived_at is not None:
        raise NotAllowed("This list is archived and can no longer be changed.")
    given = {
        "name": found.name,
        "description": found.description,
        "frequency": found.frequency,
        "purpose": found.purpose.public_id,
        "sender": organisations.get_sender_by_id(found.sender_id).public_id,
        "language": found.language,
    }
    return _page(given, mailing_list=found)


@bp.post("/lists/<public_id>/edit")
@needs(Right.WRITE)
def change_list(public_id: str) -> ResponseReturnValue:
    """Change how a list presents itself."""
    me = signed_in()
    found = lists.get_list(me.organisation, public_id)
    try:
        with unit_of_work():
            # The purpose is not among the fields of this form: it stays.
            given = {**request.form.to_dict(), "purpose": found.purpose.public_id}
            draft = _draft(given)
            lists.change_list(found, draft)
            accounts.note(me.organisation, me.account, "changed a list", public_id)
    except Invalid as error:
        return _page(request.form, error.fields, found), 422
    return see_other(url_for(".mailing_list", public_id=public_id), "Saved.")


@bp.post("/lists/<public_id>/archive")
@needs(Right.WRITE)
def archive_list(public_id: str) -> ResponseReturnValue:
    """Take a list out of use, once the number of people it concerns was repeated."""
    me = signed_in()
    found = lists.get_list(me.organisation, public_id)
    count = _count(found)
    if request.form.get("count", "").strip() != str(count):
        words = f"The list was not archived: please type {count}, the number of its subscribers."
        return see_other(url_for(".mailing_list", public_id=public_id), words, kind="error")
    with unit_of_work():
        lists.archive_list(found)
        accounts.note(me.organisation, me.account, "archived a list", public_id, people=count)
    return see_other(url_for(".lists"), f"{found.name} is archived. Everything stays on record.")


def _draft(given: Mapping[str, str] | None = None) -> lists.ListDraft:
    organisation = signed_in().organisation
    return lists.read_list_draft(
        request.form if given is None else given,
        purposes=lists.list_purposes(organisation),
        senders=organisations.list_senders(organisation),
    )


def _count(found: MailingList) -> int:
    return subscriptions.count_active([found.id]).get(found.id, 0)


def _page(
    given: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    mailing_list: MailingList | None = None,
) -> str:
    organisation = signed_in().organisation
    purposes = [
        purpose
        for purpose in lists.list_purposes(organisation)
        if purpose.lawful_basis is LawfulBasis.CONSENT
    ]
    senders = organisations.list_senders(organisation)
    return render_template(
        "admin/lists/edit.html",
        given=given,
        errors=errors or {},
        mailing_list=mailing_list,
        purposes=[(one.public_id, f"{one.name}: {one.sentence}") for one in purposes],
        senders=[(one.public_id, f"{one.from_name} <{one.from_address}>") for one in senders],
        languages=sorted(LANGUAGES.items(), key=lambda pair: pair[1]),
    )
