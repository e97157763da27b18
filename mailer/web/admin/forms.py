"""Forms: writing, looking at, publishing and embedding them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, consent, forms, lists, signup
from mailer.accounts import Right
from mailer.forms import Form, FormDefinition, FormDraft
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotFound, Stale
from mailer.foundation.parsing import Answers
from mailer.organisations import Organisation
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.form_editing import (
    OWN_ROWS,
    USES,
    editor_values,
    filled_in,
    read_draft,
    read_preview,
)
from mailer.web.embedding import embed_codes
from mailer.web.form_description import describe_draft, describe_published
from mailer.web.responses import see_other
from mailer.web.security_headers import allow_framing

MOST_ERASED = 10_000  # of one press
NOT_SAVED = "The form was not saved. What you typed is kept below."


@bp.get("/forms", endpoint="forms")
@needs(Right.READ)
def show_forms() -> ResponseReturnValue:
    """All forms in use."""
    rows = []
    for form in forms.list_forms(_organisation()):
        version = forms.find_newest_version(form)
        rows.append(
            {
                "name": form.name,
                "url": url_for("admin.form", form_id=form.public_id),
                "state": _state(form, has_version=version is not None),
                "number": version.number if version else None,
                "published_at": version.published_at if version else None,
                "sites": list(form.allowed_origins),
            }
        )
    has_lists = bool(lists.list_lists(_organisation()))
    return render_template("admin/forms/list.html", rows=rows, has_lists=has_lists, section="forms")


@bp.route("/forms/new", methods=["GET", "POST"])
@needs(Right.WRITE)
def new_form() -> ResponseReturnValue:
    """A new form, filled in from what is known."""
    organisation = _organisation()
    in_use = lists.list_lists(organisation)
    errors: dict[str, str] = {}
    chosen = request.form.getlist("lists")
    if request.method == "POST":
        answers = Answers(request.form)
        name = answers.line("name", required=True)
        picked = [item for item in in_use if item.public_id in chosen]
        if not picked:
            answers.fail("lists", "Please choose at least one list.")
        if not answers.errors:
            definition = forms.definition_for(
                organisation, picked, asks_tracking=answers.is_ticked("tracking")
            )
            with unit_of_work():
                form = forms.create_form(
                    _organisation(), FormDraft(name=name, definition=definition)
                )
                _note("created a form", form)
            return see_other(
                url_for("admin.form", form_id=form.public_id),
                "The form is written. Read it through, then publish it.",
            )
        errors = answers.errors
    page = render_template(
        "admin/forms/new.html",
        lists=[(item.public_id, item.name, item.frequency) for item in in_use],
        values=request.form,
        chosen=chosen,
        errors=errors,
        section="forms",
    )
    return make_response(page, 422 if errors else 200)


@bp.get("/forms/<form_id>")
@needs(Right.READ)
def form(form_id: str) -> ResponseReturnValue:
    """The editor of one form, with what is missing and a preview."""
    found = forms.get_form(_organisation(), form_id)
    values = editor_values(_draft_of(found), lists.list_lists(_organisation()))
    return _editor(found, values, found.revision)


@bp.post("/forms/<form_id>")
@needs(Right.WRITE)
def change_form(form_id: str) -> ResponseReturnValue:
    """Save the draft; with `act=fill` its disclosure is written anew first."""
    organisation = _organisation()
    found = forms.get_form(organisation, form_id)
    in_use = lists.list_lists(organisation)
    revision = Answers(request.form).whole("revision", smallest=1, largest=2**31)
    try:
        draft = read_draft(request.form, in_use)
        if request.form.get("act") == "fill":
            draft = filled_in(draft, organisation, in_use)
        with unit_of_work():
            forms.change_form(forms.get_form(organisation, form_id), draft, revision)
    except Invalid as error:
        return _editor(found, request.form, revision, status=422, errors=error.fields)
    except Stale as error:
        # The newest revision is offered, so that saving again is a decision, not an accident.
        found = forms.get_form(_organisation(), form_id)
        return _editor(found, request.form, found.revision, status=409, message=str(error))
    return see_other(url_for("admin.form", form_id=form_id), "Saved.")


@bp.route("/forms/<form_id>/preview", methods=["GET", "POST"])
@needs(Right.READ)
def preview_form(form_id: str) -> ResponseReturnValue:
    """The draft as visitors would see it: as saved, or as it is being typed."""
    organisation = _organisation()
    found = forms.get_form(organisation, form_id)
    if request.method == "POST":
        definition = read_preview(request.form, lists.list_lists(organisation))
    else:
        definition = FormDefinition.from_json(found.draft)
    page = describe_draft(
        found.public_id, organisation, definition, consent.current_notice(organisation)
    )
    text = render_template(
        "public/form.html",
        page=page,
        action="",
        organisation_name=organisation.name,
        token="",
        values={},
        ticked=frozenset(),
        errors={},
        message="",
        again=None,
    )
    return allow_framing(make_response(text), ["'self'"])


@bp.post("/forms/<form_id>/publish")
@needs(Right.WRITE)
def publish_form(form_id: str) -> ResponseReturnValue:
    """Freeze the saved draft as a version, unless something is missing."""
    found = forms.get_form(_organisation(), form_id)
    here = url_for("admin.form", form_id=form_id)
    before = forms.find_newest_version(found)
    old_number = before.number if before else 0
    try:
        with unit_of_work():
            version = forms.publish(forms.get_form(_organisation(), form_id))
            number = version.number
            if number != old_number:
                _note("published a form", found, number=number)
    except Invalid as error:
        found = forms.get_form(_organisation(), form_id)
        values = editor_values(_draft_of(found), lists.list_lists(_organisation()))
        return _editor(found, values, found.revision, status=422, message=str(error))
    if number == old_number:
        return see_other(here, f"Nothing has changed since version {number}.", kind="info")
    return see_other(here, f"Version {number} is published.")


@bp.post("/forms/<form_id>/<any(open, close, archive):act>")
@needs(Right.WRITE)
def steer_form(form_id: str, act: str) -> ResponseReturnValue:
    """Open, close or put away a form; each takes effect at once (S-034)."""
    verbs = {
        "open": (forms.open_form, "opened a form", "The form takes requests again."),
        "close": (
            forms.close_form,
            "closed a form",
            "The form is closed. Nobody can sign up through it.",
        ),
        "archive": (forms.archive_form, "put a form away", "The form is closed and put away."),
    }
    verb, done, told = verbs[act]
    with unit_of_work():
        found = forms.get_form(_organisation(), form_id)
        verb(found)
        _note(done, found)
    if act == "archive":
        return see_other(url_for("admin.forms"), told)
    return see_other(url_for("admin.form", form_id=form_id), told)


@bp.post("/forms/<form_id>/erase-waiting")
@needs(Right.WRITE)
def erase_waiting(form_id: str) -> ResponseReturnValue:
    """Erase the requests through this form that nobody has confirmed yet (S-034)."""
    found = forms.get_form(_organisation(), form_id)
    total, erased = 0, -1
    while erased and total < MOST_ERASED:
        with unit_of_work():
            erased = signup.erase_waiting(found)
            total += erased
    with unit_of_work():
        _note("erased waiting requests of a form", found, number=total)
    return see_other(url_for("admin.form", form_id=form_id), f"{total} requests were erased.")


@bp.post("/forms/<form_id>/<any(release, erase):act>-held")
@needs(Right.WRITE)
def settle_held(form_id: str, act: str) -> ResponseReturnValue:
    """Mail, or erase, the requests that limits held back: all of this form, or those of one network."""
    found = forms.get_form(_organisation(), form_id)
    network = request.form.get("network", "")[:64]
    verb = signup.release_held if act == "release" else signup.erase_held
    total, done = 0, -1
    while done and total < MOST_ERASED:
        with unit_of_work():
            done = verb(found, network=network)
            total += done
    with unit_of_work():
        noted = (
            "released held requests of a form"
            if act == "release"
            else "erased held requests of a form"
        )
        _note(noted, found, number=total)
    requests = f"{total} request{'' if total == 1 else 's'}"
    told = {
        "release": f"The confirmation mails of {requests} are on their way.",
        "erase": f"{requests} erased. Nobody was mailed.",
    }
    return see_other(url_for("admin.form", form_id=form_id), told[act])


@bp.get("/forms/<form_id>/embed")
@needs(Right.READ)
def embed_form(form_id: str) -> ResponseReturnValue:
    """The code to copy, for each of the three ways."""
    found = forms.get_form(_organisation(), form_id)
    published = forms.find_published(found.public_id)
    page = describe_published(published) if published else None
    return render_template(
        "admin/forms/embed.html",
        form=_facts(found),
        page=page,
        codes=embed_codes(page) if page else None,
        section="forms",
    )


@bp.get("/forms/<form_id>/versions")
@needs(Right.READ)
def form_versions(form_id: str) -> ResponseReturnValue:
    """All versions, each with what changed since the one before."""
    found = forms.get_form(_organisation(), form_id)
    versions = forms.list_versions(found)
    rows = [
        {
            "number": version.number,
            "published_at": version.published_at,
            "sha256": version.definition_sha256,
            "changes": forms.changes_between(older, version) if older else [],
        }
        for version, older in zip(versions, [*versions[1:], None], strict=False)
    ]
    return render_template(
        "admin/forms/versions.html", form=_facts(found), rows=rows, section="forms"
    )


@bp.get("/forms/<form_id>/versions/<int:number>")
@needs(Right.READ)
def form_version(form_id: str, number: int) -> ResponseReturnValue:
    """One frozen text, word for word."""
    found = forms.get_form(_organisation(), form_id)
    if number > 2**31:
        raise NotFound("This version of the form does not exist.")
    version = forms.get_version(found, number)
    return render_template(
        "admin/forms/version.html",
        form=_facts(found),
        number=version.number,
        published_at=version.published_at,
        sha256=version.definition_sha256,
        lines=forms.frozen_lines(version),
        section="forms",
    )


def _organisation() -> Organisation:
    return signed_in().organisation


def _note(action: str, form: Form, **details: int) -> None:
    me = signed_in()
    accounts.note(me.organisation, me.account, action, form.public_id, **details)


def _draft_of(form: Form) -> FormDraft:
    return FormDraft(
        name=form.name,
        definition=FormDefinition.from_json(form.draft),
        allowed_origins=tuple(form.allowed_origins),
    )


def _state(form: Form, *, has_version: bool) -> tuple[str, str]:
    if not form.is_open:
        return ("held", "Closed")
    return ("proven", "Open") if has_version else ("waiting", "Not published")


def _facts(form: Form) -> dict[str, Any]:
    version = forms.find_newest_version(form)
    return {
        "id": form.public_id,
        "name": form.name,
        "is_open": form.is_open,
        "is_archived": form.archived_at is not None,
        "state": _state(form, has_version=version is not None),
        "number": version.number if version else None,
        "published_at": version.published_at if version else None,
        "has_changes": forms.has_unpublished_changes(form),
        "sites": list(form.allowed_origins),
    }


def _editor(
    form: Form,
    values: Mapping[str, str],
    revision: int,
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    message: str = "",
) -> ResponseReturnValue:
    organisation = _organisation()
    page = render_template(
        "admin/forms/edit.html",
        form=_facts(form),
        missing=forms.missing_for_publication(form),
        values=values,
        revision=revision,
        errors=errors or {},
        problem=message,
        lists=[(item.public_id, item.name) for item in lists.list_lists(organisation)],
        languages=sorted(lists.LANGUAGES.items(), key=lambda pair: pair[1]),
        built_in=list(forms.BUILT_IN_FIELDS.items()),
        own_rows=list(OWN_ROWS),
        uses=USES,
        slots=forms.SLOTS,
        waiting=signup.count_waiting(form),
        held=signup.list_held(form),
        section="forms",
    )
    return make_response(page, status)
