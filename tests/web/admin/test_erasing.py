"""Erasing on somebody's behalf: in numbers first, by those who may, with a receipt to hand on."""

from __future__ import annotations

import html
import json
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from mailer import accounts, rights
from mailer.accounts import Role
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.foundation.paging import Cursor
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import TeamClient, make_account, team_client
from tests.support.make_consents import Cleo, make_cleo


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def signed_in(app: Flask, cleo: Cleo, role: Role) -> TeamClient:
    return team_client(app, make_account(cleo.organisation, name=role.value, role=role))


def page_of(cleo: Cleo) -> str:
    return f"/admin/people/{cleo.contact.public_id}/erase"


def is_erased(cleo: Cleo) -> bool:
    db.session.rollback()
    return db.session.get_one(Contact, cleo.contact.id).erased_at is not None


@pytest.mark.requirement("C-094")
def test_the_number_of_records_has_to_be_typed(app: Flask, cleo: Cleo) -> None:
    ada = signed_in(app, cleo, Role.PRIVACY_OFFICER)
    records = rights.count_for(cleo.contact).records
    assert f"Type the number of records: {records}" in ada.get(page_of(cleo)).text
    refused = ada.send(page_of(cleo), number=str(records + 1))
    assert refused.status_code == 422
    assert f"Please type the number of records: {records}." in refused.text
    assert not is_erased(cleo)
    done = ada.send(page_of(cleo), number=str(records))
    assert done.status_code == 200
    assert is_erased(cleo)
    found = re.search(r'name="receipt" value="([^"]+)"', done.text)
    assert found is not None
    receipt = html.unescape(found[1])
    saved = ada.send("/admin/people/erased/receipt", receipt=receipt)
    assert json.loads(saved.data)["schema"] == "mailer.closing/1"


def test_who_did_it_is_on_record_without_saying_to_whom(app: Flask, cleo: Cleo) -> None:
    ada = signed_in(app, cleo, Role.OWNER)
    ada.send(page_of(cleo), number=str(rights.count_for(cleo.contact).records))
    (line,) = [
        line
        for line in accounts.list_audit(cleo.organisation, Cursor()).rows
        if line.entry.action == "erased a person"
    ]
    assert line.who == "owner"
    assert line.entry.subject == cleo.contact.public_id
    assert "cleo" not in json.dumps(line.entry.details)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_who_may_not_erase_sees_no_button_and_is_refused(
    app: Flask, cleo: Cleo, role: Role
) -> None:
    ben = signed_in(app, cleo, role)
    assert page_of(cleo) not in ben.get(f"/admin/people/{cleo.contact.public_id}").text
    assert ben.get(page_of(cleo)).status_code == 403
    assert ben.send(page_of(cleo), number="5").status_code == 403
    assert not is_erased(cleo)


@pytest.mark.requirement("S-009")
def test_another_organisation_erases_nobody_here(app: Flask, cleo: Cleo) -> None:
    dora = team_client(app, make_account(make_organisation(DORA), name="Dora"))
    assert dora.get(page_of(cleo)).status_code == 404
    assert dora.send(page_of(cleo), number="5").status_code == 404
    assert not is_erased(cleo)


def test_an_erased_person_has_a_page_that_says_so(app: Flask, cleo: Cleo) -> None:
    ada = signed_in(app, cleo, Role.OWNER)
    ada.send(page_of(cleo), number=str(rights.count_for(cleo.contact).records))
    assert "was erased already" in ada.get(page_of(cleo)).text
    assert ada.get(f"/admin/people/{cleo.contact.public_id}").status_code == 200
    assert db.session.scalar(sa.select(Contact.address)) is None
