from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from mailer import forms
from mailer.forms import FormDefinition, FormDraft
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotFound, Stale
from tests.support.factories import DORA, make_form, make_list, make_organisation

DRAFT = FormDraft(name="Footer", definition=FormDefinition(title="Letters"))


def test_a_saved_draft_counts_up(app: Flask) -> None:
    organisation = make_organisation()
    with unit_of_work():
        form = forms.create_form(organisation, DRAFT)
    with unit_of_work():
        forms.change_form(
            form, replace(DRAFT, name="Header", allowed_origins=("https://a.example",)), 1
        )
    assert (form.name, form.revision, form.allowed_origins) == ("Header", 2, ["https://a.example"])


def test_the_second_of_two_editors_is_told(app: Flask) -> None:
    organisation = make_organisation()
    with unit_of_work():
        form = forms.create_form(organisation, DRAFT)
    with unit_of_work():
        forms.change_form(form, replace(DRAFT, name="Ada's"), 1)
    with pytest.raises(Stale), unit_of_work():
        forms.change_form(form, replace(DRAFT, name="Ben's"), 1)
    assert forms.get_form(organisation, form.public_id).name == "Ada's"


def test_a_form_belongs_to_one_organisation(app: Flask) -> None:
    ada, dora = make_organisation(), make_organisation(DORA)
    form = make_form(ada, make_list(ada))
    with pytest.raises(NotFound):
        forms.get_form(dora, form.public_id)
    assert forms.list_forms(dora) == []


def test_an_archived_form_is_not_listed(app: Flask) -> None:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    assert [item.id for item in forms.list_forms(organisation)] == [form.id]
    with unit_of_work():
        forms.archive_form(form)
    assert forms.list_forms(organisation) == []
    assert not form.is_open
