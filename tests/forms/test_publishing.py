from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
import rfc8785
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from mailer import consent, forms, lists, organisations
from mailer.consent import Matter
from mailer.forms import Form, FormDefinition, FormDraft, FormVersion
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from tests.support.factories import ADA, make_form, make_list, make_organisation, newest_version


def retitle(form: Form, title: str) -> None:
    definition = replace(FormDefinition.from_json(form.draft), title=title)
    with unit_of_work():
        forms.change_form(form, FormDraft(name=form.name, definition=definition), form.revision)


@pytest.mark.requirement("C-044")
def test_publishing_freezes_the_words_under_their_hash(app: Flask) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    form = make_form(organisation, mailing_list)
    version = newest_version(form)
    text = consent.get_text(version.definition_sha256)
    stored = json.loads(text.body)
    assert hashlib.sha256(text.body).hexdigest() == version.definition_sha256
    assert rfc8785.dumps(stored) == text.body
    assert stored["definition"] == form.draft
    assert stored["lists"][0]["purpose"] == "We tell you about new books."
    assert stored["notice"]["sha256"] == consent.get_notice_by_id(version.notice_id).text_sha256
    assert version.number == 1


def test_publishing_what_is_published_changes_nothing(app: Flask) -> None:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    first = newest_version(form)
    with unit_of_work():
        assert forms.publish(form).id == first.id
    assert db.session.scalar(sa.select(sa.func.count()).select_from(FormVersion)) == 1
    assert not forms.has_unpublished_changes(form)


def test_a_changed_word_makes_a_new_version_and_keeps_the_old(app: Flask) -> None:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    old = newest_version(form)
    retitle(form, "Letters from the harbour")
    assert forms.has_unpublished_changes(form)
    with unit_of_work():
        new = forms.publish(form)
    assert (old.number, new.number) == (1, 2)
    assert forms.read_version(old).title == "Mail from Harbour Books"
    assert forms.read_version(new).title == "Letters from the harbour"
    assert forms.changes_between(old, new) == [
        ("-", "definition.title: Mail from Harbour Books"),
        ("+", "definition.title: Letters from the harbour"),
    ]


def test_a_changed_notice_makes_a_new_version(app: Flask) -> None:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    with unit_of_work():
        organisations.change_organisation(organisation, replace(ADA, phone="+353 1 555 0100"))
    assert forms.has_unpublished_changes(form)
    with unit_of_work():
        version = forms.publish(form)
    assert version.number == 2
    assert consent.get_notice_by_id(version.notice_id).number == 2


@pytest.mark.requirement("C-006")
def test_an_incomplete_form_is_not_published(app: Flask) -> None:
    organisation = make_organisation()
    with unit_of_work():
        form = forms.create_form(organisation, FormDraft(name="X", definition=FormDefinition()))
    with pytest.raises(Invalid) as refused, unit_of_work():
        forms.publish(form)
    assert "how_long" in refused.value.fields
    assert forms.find_published(form.public_id) is None


def test_an_archived_form_is_not_published(app: Flask) -> None:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    with unit_of_work():
        forms.archive_form(form)
    with pytest.raises(NotAllowed), unit_of_work():
        forms.publish(form)


def test_what_is_published_is_found_with_everything_it_shows(app: Flask) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    form = make_form(organisation, mailing_list)
    published = forms.find_published(form.public_id)
    assert published is not None
    assert published.is_open
    assert [(item.matter, item.mailing_list_id) for item in published.controls] == [
        (Matter.MAILING, mailing_list.id),
        (Matter.TRACKING, None),
    ]
    assert forms.find_published("frm_unknown") is None


def test_a_draft_does_not_show_before_it_is_published(app: Flask) -> None:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    retitle(form, "Not yet")
    published = forms.find_published(form.public_id)
    assert published is not None
    assert published.definition.title == "Mail from Harbour Books"


@pytest.mark.requirement("S-034")
def test_a_closed_form_and_one_without_lists_are_not_open(app: Flask) -> None:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    form = make_form(organisation, mailing_list)
    with unit_of_work():
        forms.close_form(form)
    closed = forms.find_published(form.public_id)
    assert closed is not None
    assert not closed.is_open
    with unit_of_work():
        forms.open_form(form)
        lists.archive_list(mailing_list)
    left = forms.find_published(form.public_id)
    assert left is not None
    assert not left.is_open
    assert [item.key for item in left.controls] == ["tracking"]


@pytest.mark.requirement("C-044")
@pytest.mark.parametrize("table", ["form_versions", "consent_texts", "notices"])
@pytest.mark.parametrize("act", ["UPDATE {} SET {}", "DELETE FROM {}"])
def test_the_database_keeps_what_was_published(app: Flask, table: str, act: str) -> None:
    organisation = make_organisation()
    make_form(organisation, make_list(organisation))
    column = {
        "form_versions": "number = 9",
        "consent_texts": "media_type = 'x'",
        "notices": "number = 9",
    }
    with pytest.raises(IntegrityError, match="append-only"), unit_of_work():
        db.session.execute(sa.text(act.format(table, column[table])))


def test_an_unknown_version_is_not_found(app: Flask) -> None:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    assert forms.get_version(form, 1).id == forms.list_versions(form)[0].id
    assert forms.get_version_by_id(newest_version(form).id).number == 1
    with pytest.raises(NotFound):
        forms.get_version(form, 2)
    with pytest.raises(NotFound):
        forms.get_version_by_id(99)
