from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mailer import accounts, forms, lists
from mailer.accounts import Role
from mailer.forms import Form
from mailer.foundation.paging import Cursor
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import DORA, make_form, make_list, make_organisation
from tests.support.make_accounts import TeamClient, make_account, team_client


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def mailing_list(organisation: Organisation) -> MailingList:
    return make_list(organisation)


@pytest.fixture
def form(organisation: Organisation, mailing_list: MailingList) -> Form:
    """A published form."""
    return make_form(organisation, mailing_list)


@pytest.fixture
def ada(app: Flask, organisation: Organisation) -> TeamClient:
    return team_client(app, make_account(organisation))


def fields_of(page: TestResponse) -> dict[str, str]:
    """What a browser would send from the editor, without its token."""
    editor = page.text.partition('<form id="editor"')[2].partition("</form>")[0]
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", editor):
        named = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if named.get("type") != "checkbox" or " checked" in tag:
            fields[named["name"]] = unescape(named.get("value", ""))
    for name, body in re.findall(
        r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', editor, re.DOTALL
    ):
        fields[name] = unescape(body)
    for name, body in re.findall(
        r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', editor, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', body)
        fields[name] = chosen.group(1) if chosen else ""
    fields.pop("csrf_token", None)
    return fields


def unescape(text: str) -> str:
    for code, mark in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#34;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        text = text.replace(code, mark)
    return text


def save(client: TeamClient, form: Form, **changes: str) -> TestResponse:
    path = f"/admin/forms/{form.public_id}"
    return client.send(path, **{**fields_of(client.get(path)), **changes})


def again(form: Form, organisation: Organisation) -> Form:
    return forms.get_form(organisation, form.public_id)


def test_a_form_is_written_read_and_published(
    ada: TeamClient, organisation: Organisation, mailing_list: MailingList
) -> None:
    assert "No forms yet" in ada.get("/admin/forms").text
    made = ada.send("/admin/forms/new", name="Footer", lists=mailing_list.public_id)
    assert made.status_code == 303
    form = forms.list_forms(organisation)[0]
    editor = ada.get(made.location)
    assert editor.status_code == 200
    assert "Before it can be published" not in editor.text
    published = ada.send(f"/admin/forms/{form.public_id}/publish")
    assert published.status_code == 303
    assert "Version 1 is published." in ada.get(published.location).text
    assert forms.find_published(form.public_id) is not None
    listed = ada.get("/admin/forms").text
    assert "Footer" in listed
    assert "Version 1" in listed
    done = [line.entry.action for line in accounts.list_audit(organisation, Cursor()).rows]
    assert done[:2] == ["published a form", "created a form"]


def test_saving_what_the_editor_shows_changes_nothing(
    ada: TeamClient, form: Form, organisation: Organisation
) -> None:
    before = dict(form.draft)
    assert save(ada, form).status_code == 303
    assert again(form, organisation).draft == before
    assert not forms.has_unpublished_changes(again(form, organisation))


def test_every_part_can_be_changed(ada: TeamClient, form: Form, organisation: Organisation) -> None:
    saved = save(
        ada,
        form,
        title="Letters",
        language="sk",
        last_name_use="required",
        last_name_reason="We write to you by name.",
        own_1_label="Which shop?",
        own_1_use="optional",
        use_tracking="",
        origins="https://Shop.example/\nhttp://localhost:5001",
        slot_how_often="Twice a year",
    )
    assert saved.status_code == 303
    draft = again(form, organisation)
    definition = forms.FormDefinition.from_json(draft.draft)
    assert (definition.title, definition.language) == ("Letters", "sk")
    assert [(item.key, item.is_required) for item in definition.fields] == [
        ("first_name", False),
        ("last_name", True),
        ("which_shop", False),
    ]
    assert [item.key for item in definition.controls] == [definition.controls[0].lists[0]]
    assert draft.allowed_origins == ["https://shop.example", "http://localhost:5001"]
    assert definition.disclosure.how_often == "Twice a year"


def test_the_key_of_a_question_stays_when_its_words_change(
    ada: TeamClient, form: Form, organisation: Organisation
) -> None:
    save(ada, form, own_1_label="Which shop?")
    save(ada, form, own_1_label="Which of our shops do you visit?", own_2_label="Which shop?")
    definition = forms.FormDefinition.from_json(again(form, organisation).draft)
    assert [item.key for item in definition.fields[1:]] == ["which_shop", "which_shop_2"]


@pytest.mark.requirement("C-006")
def test_publishing_is_refused_with_the_list_of_what_is_missing(
    ada: TeamClient, form: Form, organisation: Organisation
) -> None:
    save(ada, form, slot_who="", own_1_label="Shoe size", own_1_use="required")
    refused = ada.send(f"/admin/forms/{form.public_id}/publish")
    assert refused.status_code == 422
    assert "“Who asks” is empty." in refused.text
    assert "GDPR Art. 13(1)(a)" in refused.text
    assert "“Shoe size” is required" in refused.text
    assert len(forms.list_versions(again(form, organisation))) == 1


def test_the_disclosure_is_written_anew_on_request(
    ada: TeamClient, form: Form, organisation: Organisation
) -> None:
    save(ada, form, slot_who="", slot_what_for="")
    assert save(ada, form, act="fill").status_code == 303
    definition = forms.FormDefinition.from_json(again(form, organisation).draft)
    assert "Harbour Books Ltd" in definition.disclosure.who
    assert "We tell you about new books." in definition.disclosure.what_for


def test_mistakes_are_told_and_nothing_typed_is_lost(ada: TeamClient, form: Form) -> None:
    refused = save(ada, form, origins="http://shop.example", title="<i>Mine</i>")
    assert refused.status_code == 422
    assert "must begin with https://" in refused.text
    assert "http://shop.example" in refused.text
    assert "&lt;i&gt;Mine&lt;/i&gt;" in refused.text


def test_the_second_of_two_editors_keeps_what_they_typed(
    ada: TeamClient, form: Form, organisation: Organisation
) -> None:
    late = fields_of(ada.get(f"/admin/forms/{form.public_id}"))
    save(ada, form, title="Ada's")
    refused = ada.send(f"/admin/forms/{form.public_id}", **{**late, "title": "Ben's"})
    assert refused.status_code == 409
    assert "Ben&#39;s" in refused.text
    assert again(form, organisation).draft["title"] == "Ada's"


@pytest.mark.requirement("S-034")
def test_a_form_is_closed_opened_and_put_away(
    ada: TeamClient, form: Form, organisation: Organisation
) -> None:
    for act, is_open in (("close", False), ("open", True), ("archive", False)):
        assert ada.send(f"/admin/forms/{form.public_id}/{act}").status_code == 303
        assert again(form, organisation).is_open is is_open
    assert forms.list_forms(organisation) == []


def test_the_preview_shows_what_is_being_typed_and_saves_nothing(
    ada: TeamClient, form: Form, organisation: Organisation
) -> None:
    path = f"/admin/forms/{form.public_id}/preview"
    typed = ada.send(path, title="Being typed", origins="nonsense")
    assert typed.status_code == 200
    assert "Being typed" in typed.text
    assert "frame-ancestors 'self'" in typed.headers["Content-Security-Policy"]
    assert "Being typed" not in ada.get(path).text


def test_the_code_to_copy_stands_there_for_each_way(ada: TeamClient, form: Form) -> None:
    page = unescape(ada.get(f"/admin/forms/{form.public_id}/embed").text)
    url = f"http://localhost/f/{form.public_id}"
    assert f'<script src="{url}/embed.js" async></script>' in page
    assert f'<iframe src="{url}/frame" title="Mail from Harbour Books"' in page
    assert f'<form method="post" action="{url}"' in page
    assert (
        "checked"
        not in page.partition('<form method="post" action="http')[2].partition("</form>")[0]
    )


def test_versions_show_what_changed_and_every_word(ada: TeamClient, form: Form) -> None:
    save(ada, form, title="Letters")
    ada.send(f"/admin/forms/{form.public_id}/publish")
    page = ada.get(f"/admin/forms/{form.public_id}/versions")
    assert "definition.title: Letters" in page.text
    assert "definition.title: Mail from Harbour Books" in page.text
    first = ada.get(f"/admin/forms/{form.public_id}/versions/1")
    assert "Mail from Harbour Books" in first.text
    for number in ("3", "99999999999999999999"):
        assert ada.get(f"/admin/forms/{form.public_id}/versions/{number}").status_code == 404


def test_another_organisation_sees_and_changes_nothing(
    app: Flask, form: Form, organisation: Organisation
) -> None:
    other = make_organisation(DORA)
    dora = team_client(app, make_account(other, name="Dora"))
    path = f"/admin/forms/{form.public_id}"
    for tail in ("", "/preview", "/embed", "/versions", "/versions/1"):
        assert dora.get(path + tail).status_code == 404
    for tail in ("", "/publish", "/close", "/archive", "/preview"):
        assert dora.send(path + tail).status_code == 404
    assert again(form, organisation).is_open
    theirs = lists.list_lists(organisation)[0].public_id
    assert dora.send("/admin/forms/new", name="Mine", lists=theirs).status_code == 422
    assert forms.list_forms(other) == []


def test_a_viewer_reads_and_does_not_write(
    app: Flask, form: Form, organisation: Organisation
) -> None:
    viewer = team_client(app, make_account(organisation, name="Vera", role=Role.VIEWER))
    page = viewer.get(f"/admin/forms/{form.public_id}")
    assert page.status_code == 200
    assert "Publish what is saved" not in page.text
    for tail in ("", "/publish", "/close"):
        assert viewer.send(f"/admin/forms/{form.public_id}{tail}").status_code == 403


@pytest.mark.parametrize("value", ["", "\x00", "x" * 30_000, "\ud800", "-1", "💥"])
def test_odd_input_is_never_a_crash(ada: TeamClient, form: Form, value: str) -> None:
    names: dict[str, Any] = dict.fromkeys(
        [*fields_of(ada.get(f"/admin/forms/{form.public_id}")), "act"],
        value.encode("utf-8", "surrogatepass"),
    )
    for tail in ("", "/preview"):
        response = ada.send(f"/admin/forms/{form.public_id}{tail}", **names)
        assert response.status_code < 500
    assert (
        ada.send(
            "/admin/forms/new",
            name=value.encode("utf-8", "surrogatepass"),
            lists=value.encode("utf-8", "surrogatepass"),
        ).status_code
        < 500
    )  # type: ignore[arg-type]
