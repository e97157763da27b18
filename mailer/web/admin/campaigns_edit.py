"""Writing a campaign: the editor, its preview, and a test to oneself."""

from __future__ import annotations

from collections.abc import Mapping

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from mailer import accounts, campaigns, contacts, delivery, lists, organisations, subscriptions
from mailer.accounts import Right, may
from mailer.campaigns import Campaign, CampaignDraft, CampaignState
from mailer.contacts import Contact
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, Stale
from mailer.foundation.paging import Cursor
from mailer.foundation.parsing import Answers
from mailer.lists import MailingList
from mailer.rendering import BodyFormat, CampaignContent, find_problems
from mailer.web.admin.campaigns import get_campaign
from mailer.web.admin.campaigns_shown import editor_choices, test_of
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other, wants_fragment
from mailer.web.security_headers import as_mail_preview

LONGEST_LINE = 500
LONGEST_BODY = 200_000
AUTOMATIC, OWN = "automatic", "own"


@bp.get("/campaigns/<public_id>/edit")
@needs(Right.WRITE)
def campaign_edit(public_id: str) -> ResponseReturnValue:
    """The editor of a draft, with what is saved."""
    found = get_campaign(public_id)
    if found.state is not CampaignState.DRAFT:
        return see_other(
            url_for(".campaign", public_id=public_id),
            "Only a draft can be changed. Copy this campaign to write another.",
            kind="info",
        )
    return _editor(found, _written(found), errors=_problems_of(campaigns.content_of(found)))


@bp.post("/campaigns/<public_id>/edit")
@needs(Right.WRITE)
def campaign_save(public_id: str) -> ResponseReturnValue:
    """Save the draft; what was typed is kept whatever is wrong with it."""
    found = get_campaign(public_id)
    try:
        _change(found)
    except Invalid as error:
        return _editor(found, request.form, errors=error.fields, is_refused=True), 422
    except Stale:
        return _editor(found, request.form, errors={}, theirs=found), 409
    return see_other(url_for(".campaign_edit", public_id=public_id), "The draft is saved.")


@bp.post("/campaigns/<public_id>/test")
@needs(Right.WRITE)
def campaign_test(public_id: str) -> ResponseReturnValue:
    """Save the draft, then send it to whoever is signed in."""
    found, who = get_campaign(public_id), signed_in()
    try:
        _change(found)
    except Invalid as error:
        return _editor(found, request.form, errors=error.fields, is_refused=True), 422
    except Stale:
        return _editor(found, request.form, errors={}, theirs=found), 409
    try:
        with unit_of_work():
            delivery.send_test(found, who.account.address, _person(found, request.form))
            accounts.note(who.organisation, who.account, "sent a test", public_id)
    except Invalid as error:
        return _editor(found, _written(found), errors=error.fields, is_refused=True), 422
    return see_other(
        url_for(".campaign_edit", public_id=public_id),
        f"The draft is saved, and a test to {who.account.address} is on its way.",
    )


@bp.get("/campaigns/<public_id>/test")
@needs(Right.WRITE)
def campaign_test_state(public_id: str) -> ResponseReturnValue:
    """What became of the newest test, as a fragment of the editor."""
    found = get_campaign(public_id)
    if not wants_fragment():
        return see_other(url_for(".campaign_edit", public_id=public_id))
    return render_template("admin/campaigns/_test.html", campaign=found, test=test_of(found))


@bp.route("/campaigns/<public_id>/preview", methods=["GET", "POST"])
@needs(Right.READ)
def campaign_preview(public_id: str) -> ResponseReturnValue:
    """The mail itself: as it is saved, or (POST) as it is being written. Its own document, own policy."""
    found = get_campaign(public_id)
    given = request.form if request.method == "POST" else request.args
    if request.method == "POST":
        content, chosen = _content(given), _lists(given)
    else:
        content, chosen = campaigns.content_of(found), campaigns.lists_of(found)
    person = _person(found, given, chosen)
    part = given.get("part", "html")
    shown = delivery.Shown(
        organisation=signed_in().organisation, content=content, lists=chosen, contact=person
    )
    try:
        page = _shown_mail(shown, part)
    except Invalid as error:
        page = render_template(
            "admin/campaigns/preview_refused.html", person=person, problems=error.fields
        )
    return as_mail_preview(make_response(page))


def _shown_mail(shown: delivery.Shown, part: str) -> str:
    rendered = delivery.preview(shown)
    frame = {"rendered": rendered, "person": shown.contact, "content": shown.content}
    if part == "text":
        return render_template("admin/campaigns/preview_text.html", **frame)
    head = render_template("admin/campaigns/_preview_head.html", **frame)
    return rendered.html.replace("<body>\n", f"<body>\n{head}", 1)


def _change(found: Campaign) -> None:
    draft = _draft(found, request.form)
    who = signed_in()
    with unit_of_work():
        campaigns.change_campaign(found, draft, _revision(request.form))
        accounts.note(who.organisation, who.account, "saved a campaign", found.public_id)


def _draft(found: Campaign, given: MultiDict[str, str]) -> CampaignDraft:
    """What the form says. Raises Invalid by field, NotFound for a list or sender that is not ours."""
    organisation = signed_in().organisation
    answers = Answers(given)
    name = answers.line("name", required=True)
    subject = answers.line("subject", longest=LONGEST_LINE)
    preheader = answers.line("preheader", longest=LONGEST_LINE)
    body = answers.text("body", longest=LONGEST_BODY)
    body_format = answers.choice("body_format", [kind.value for kind in BodyFormat])
    footer = answers.choice("footer", (AUTOMATIC, OWN))
    language = answers.choice("language", {*lists.LANGUAGES, found.language})
    sender_id = given.get("sender", "")
    sender = organisations.get_sender(organisation, sender_id) if sender_id else None
    chosen = tuple(_lists(given))
    answers.check()
    return CampaignDraft(
        name=name,
        subject=subject,
        preheader=preheader,
        body_format=BodyFormat(body_format),
        body=body,
        has_automatic_footer=footer == AUTOMATIC,
        language=language,
        counts_clicks=answers.is_ticked("counts_clicks"),
        sender=sender,
        lists=chosen,
    )


def _lists(given: MultiDict[str, str]) -> list[MailingList]:
    organisation = signed_in().organisation
    return [lists.get_list(organisation, one) for one in dict.fromkeys(given.getlist("lists"))]


def _content(given: Mapping[str, str]) -> CampaignContent:
    """What is being written, however wrong; rendering says what is wrong with it."""
    body_format = given.get("body_format", "")
    language = given.get("language", "")
    return CampaignContent(
        subject=given.get("subject", "").strip(),
        preheader=given.get("preheader", "").strip(),
        body_format=BodyFormat.HTML if body_format == BodyFormat.HTML else BodyFormat.MARKDOWN,
        body=given.get("body", "").replace("\r\n", "\n"),
        language=language if language in lists.LANGUAGES else "en",
        has_automatic_footer=given.get("footer") != OWN,
    )


def _person(
    found: Campaign, given: Mapping[str, str], chosen: list[MailingList] | None = None
) -> Contact | None:
    """Whose values fill the placeholders: the first that matches, else the newest member, else nobody."""
    who = signed_in()
    if not may(who.member.role, Right.READ_PEOPLE):
        return None
    search = given.get("contact", "").replace("\0", "").strip()[:200]
    if search:
        matching = contacts.list_contacts(who.organisation, search, Cursor()).rows
        return matching[0] if matching else None
    wanted = campaigns.lists_of(found) if chosen is None else chosen
    return subscriptions.find_newest_member([one.id for one in wanted])


def _revision(given: Mapping[str, str]) -> int:
    text = given.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _written(found: Campaign) -> MultiDict[str, str]:
    values: MultiDict[str, str] = MultiDict(
        {
            "name": found.name,
            "subject": found.subject,
            "preheader": found.preheader,
            "body": found.body,
            "body_format": found.body_format.value,
            "footer": AUTOMATIC if found.has_automatic_footer else OWN,
            "language": found.language,
            "counts_clicks": "yes" if found.counts_clicks else "",
        }
    )
    if found.sender_id is not None:
        values["sender"] = organisations.get_sender_by_id(found.sender_id).public_id
    values.setlist("lists", [one.public_id for one in campaigns.lists_of(found)])
    return values


def _problems_of(content: CampaignContent) -> dict[str, str]:
    """What keeps a saved draft from being sent, by field: a draft may be wrong, and says where."""
    names = contacts.list_field_names(signed_in().organisation)
    problems: dict[str, str] = {}
    for problem in find_problems(content, contact_fields=names):
        problems.setdefault(problem.field, str(problem))
    return problems


def _editor(
    found: Campaign,
    given: MultiDict[str, str],
    *,
    errors: Mapping[str, str],
    is_refused: bool = False,
    theirs: Campaign | None = None,
) -> str:
    if found.state is not CampaignState.DRAFT:
        raise NotAllowed("Only a draft can be changed, and this campaign is none any more.")
    return render_template(
        "admin/campaigns/edit.html",
        campaign=found,
        given=given,
        chosen_lists=given.getlist("lists"),
        errors=errors,
        is_refused=is_refused,
        revision=found.revision if theirs else given.get("revision", found.revision),
        theirs=_written(theirs) if theirs else None,
        saved_by=_who_saved(theirs) if theirs else "",
        test=test_of(found),
        **editor_choices(found),
    )


def _who_saved(found: Campaign) -> str:
    who = signed_in()
    for line in accounts.list_audit(who.organisation, Cursor()).rows:
        if line.entry.subject == found.public_id:
            is_self = line.entry.account_id == who.account.id
            return "Another window of yours" if is_self else line.who
    return "Somebody else"
