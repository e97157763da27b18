"""The contact's page leads to the same receipts that the person has."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailer.accounts import Role
from tests.receipts.vocabulary import faults
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import make_account, team_client
from tests.support.make_consents import Cleo, make_cleo, sign_log


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


@pytest.mark.requirement("R-001")
@pytest.mark.requirement("T-020")
def test_the_page_of_a_person_leads_to_each_receipt(app: Flask, cleo: Cleo) -> None:
    ben = team_client(app, make_account(cleo.organisation, role=Role.PRIVACY_OFFICER))
    sign_log()
    person = f"/admin/people/{cleo.contact.public_id}"
    page = ben.get(person)
    assert "Operator-asserted only" in page.text
    base = f"{person}/receipts/{cleo.letter.public_id}"
    assert base in page.text
    assert f"{person}/receipts/tracking" in page.text
    shown = ben.get(base)
    assert shown.status_code == 200
    assert cleo.given().commitment.hex() in shown.text
    receipt = ben.get(f"{base}/receipt.json")
    assert "attachment" in receipt.headers["Content-Disposition"]
    assert faults("receipt", json.loads(receipt.data)) == []
    assert faults("record", json.loads(ben.get(f"{base}/record.json").data)) == []
    assert json.loads(ben.get(f"{base}/kantara.json").data)["version"] == "KI-CR-v1.1.0"
    assert ben.get(f"{person}/receipts/lst_unknown").status_code == 404


@pytest.mark.requirement("S-009")
def test_another_organisation_and_a_stranger_see_no_receipt(
    app: Flask, client: FlaskClient, cleo: Cleo
) -> None:
    dora = team_client(app, make_account(make_organisation(DORA), address="dora@plants.example"))
    base = f"/admin/people/{cleo.contact.public_id}/receipts/{cleo.letter.public_id}"
    for path in (base, f"{base}/receipt.json", f"{base}/record.json", f"{base}/kantara.json"):
        assert dora.get(path).status_code == 404
        assert team_client(app).get(path).status_code in (302, 303)
