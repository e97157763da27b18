from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from mailer import forms, lists
from mailer.consent import Matter
from mailer.forms import Control, Field, Form, FormDefinition, FormDraft
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import ADA, make_list, make_organisation

Change = Callable[[FormDefinition], FormDefinition]


def draft_form(
    organisation: Organisation, mailing_list: MailingList, change: Change = lambda same: same
) -> Form:
    definition = change(forms.definition_for(organisation, [mailing_list], asks_tracking=True))
    with unit_of_work():
        return forms.create_form(organisation, FormDraft(name="Website", definition=definition))


def missing_after(change: Change) -> list[tuple[str, str]]:
    organisation = make_organisation()
    form = draft_form(organisation, make_list(organisation), change)
    return [(item.where, item.source) for item in forms.missing_for_publication(form)]


def test_a_form_as_it_is_written_for_you_lacks_nothing(app: Flask) -> None:
    assert missing_after(lambda same: same) == []


@pytest.mark.requirement("C-006")
@pytest.mark.parametrize(
    "slot", ["who", "what_for", "how_often", "which_data", "how_long", "how_to_withdraw"]
)
def test_every_empty_slot_is_named(app: Flask, slot: str) -> None:
    missing = missing_after(
        lambda whole: replace(whole, disclosure=replace(whole.disclosure, **{slot: ""}))
    )
    assert [where for where, _ in missing] == [slot]
    assert "C-006" in missing[0][1]


def test_a_form_with_nothing_lacks_everything(app: Flask) -> None:
    missing = missing_after(lambda _: FormDefinition())
    assert {where for where, _ in missing} == {
        "title",
        "button",
        "who",
        "what_for",
        "how_often",
        "which_data",
        "how_long",
        "how_to_withdraw",
        "lists",
    }


@pytest.mark.requirement("C-002")
def test_a_box_ticked_beforehand_is_refused(app: Flask) -> None:
    missing = missing_after(
        lambda whole: replace(
            whole, controls=tuple(replace(item, is_ticked=True) for item in whole.controls)
        )
    )
    assert len(missing) == 2
    assert all("C-002" in source for _, source in missing)


@pytest.mark.requirement("C-003")
def test_two_lists_in_one_box_are_refused(app: Flask) -> None:
    organisation = make_organisation()
    first, second = make_list(organisation), make_list(organisation, name="Offers")
    bundle = Control(
        key="both",
        matter=Matter.MAILING,
        label="All our mail",
        lists=(first.public_id, second.public_id),
    )
    form = draft_form(organisation, first, lambda whole: replace(whole, controls=(bundle,)))
    assert [item.where for item in forms.missing_for_publication(form)] == ["both"]


@pytest.mark.requirement("C-003")
def test_measuring_bundled_with_a_list_is_refused(app: Flask) -> None:
    missing = missing_after(
        lambda whole: replace(
            whole,
            controls=(
                *whole.controls[:1],
                replace(whole.controls[1], lists=whole.controls[0].lists),
            ),
        )
    )
    assert [where for where, _ in missing] == ["tracking"]


@pytest.mark.requirement("C-005")
def test_a_required_field_needs_a_reason(app: Flask) -> None:
    field = Field(key="shop", label="Which shop?", is_required=True)
    assert missing_after(lambda whole: replace(whole, fields=(field,))) == [
        ("own_shop_reason", "GDPR Art. 5(1)(c), C-005")
    ]
    reasoned = replace(field, reason="We send the mail of the shop you visit.")
    assert missing_after(lambda whole: replace(whole, fields=(reasoned,))) == []


def test_the_controller_must_be_named_in_full(app: Flask) -> None:
    missing = missing_after(
        lambda whole: replace(whole, disclosure=replace(whole.disclosure, who="Your bookshop"))
    )
    assert [where for where, _ in missing] == ["who"]


def test_an_incomplete_identity_is_named_fact_by_fact(app: Flask) -> None:
    organisation = make_organisation(replace(ADA, authority_name="", street=""))
    form = draft_form(organisation, make_list(organisation))
    missing = forms.missing_for_publication(form)
    assert [item.where for item in missing] == ["organisation", "organisation"]
    assert "Supervisory authority" in missing[1].message


def test_an_archived_list_is_refused(app: Flask) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    form = draft_form(organisation, mailing_list)
    with unit_of_work():
        lists.archive_list(mailing_list)
    assert [item.message for item in forms.missing_for_publication(form)] == [
        "The list “Monthly letter” is archived."
    ]


def test_a_list_of_another_organisation_does_not_exist_here(app: Flask) -> None:
    organisation, other = make_organisation(), make_organisation(replace(ADA, name="Other"))
    form = draft_form(organisation, make_list(other))
    assert "does not exist" in forms.missing_for_publication(form)[0].message
