from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from mailer import forms
from mailer.forms import Field, FormDefinition, FormDraft, PublishedForm
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from tests.support.factories import make_list, make_organisation


@pytest.fixture
def published(app: Flask) -> PublishedForm:
    """A form with a list, measuring, a first name, and a required question of its own."""
    organisation = make_organisation()
    first, second = make_list(organisation), make_list(organisation, name="Offers")
    whole = forms.definition_for(organisation, [first, second], asks_tracking=True)
    question = Field(key="shop", label="Which shop?", is_required=True, reason="It writes to you.")
    definition: FormDefinition = replace(whole, fields=(*whole.fields, question))
    with unit_of_work():
        form = forms.create_form(organisation, FormDraft(name="Website", definition=definition))
        forms.publish(form)
    found = forms.find_published(form.public_id)
    assert found is not None
    return found


def good(published: PublishedForm, **changes: str) -> dict[str, str]:
    key = published.controls[0].key
    given = {
        "address": " Cleo@Example.org ",
        "own_shop": "Harbour",
        "first_name": "Cleo",
        key: "yes",
    }
    return {**given, **changes}


def test_a_good_answer_is_read(published: PublishedForm) -> None:
    answers = forms.read_answers(published, good(published))
    assert answers.address.normal == "cleo@example.org"
    assert answers.first_name == "Cleo"
    assert answers.fields == {"shop": "Harbour"}
    assert answers.ticked == {published.controls[0].key}


def test_at_least_one_list_must_be_ticked(published: PublishedForm) -> None:
    key = published.controls[0].key
    with pytest.raises(Invalid) as refused:
        forms.read_answers(published, good(published, **{key: "", "tracking": "yes"}))
    assert refused.value.fields == {key: "Please tick at least one list to join."}


def test_everything_wrong_is_told_at_once(published: PublishedForm) -> None:
    with pytest.raises(Invalid) as refused:
        forms.read_answers(published, {"address": "nobody", "first_name": "a\nb" + "x" * 200})
    key = published.controls[0].key
    assert set(refused.value.fields) == {"address", "own_shop", "first_name", key}


def test_boxes_that_were_not_offered_are_ignored(published: PublishedForm) -> None:
    answers = forms.read_answers(published, good(published, lst_other="yes", admin="yes"))
    assert answers.ticked == {published.controls[0].key}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a@b",
        "a@@b.example",
        "a@b.example,c@d.example",
        "x" * 400 + "@b.example",
        "a\x00@b.example",
        "a@b.example\r\nBcc: c@d.example",
        "\ud800@b.example",
    ],
)
def test_odd_addresses_get_a_message(published: PublishedForm, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        forms.read_answers(published, good(published, address=address))
    assert list(refused.value.fields) == ["address"]


@pytest.mark.requirement("A-004")
def test_what_was_typed_is_kept_as_it_was(published: PublishedForm) -> None:
    kept = forms.kept_answers(published, {"address": "no body", "own_shop": "<b>", "evil": "x"})
    assert kept == {"address": "no body", "own_shop": "<b>", "first_name": ""}


@pytest.mark.requirement("S-033")
def test_only_the_hidden_field_gives_a_robot_away(published: PublishedForm) -> None:
    assert forms.is_robot({forms.HONEYPOT: "Nice site"})
    assert not forms.is_robot({forms.HONEYPOT: " "})
    assert not forms.is_robot(good(published))
