"""Taking a proof out on the team's side: who may, what they see, and that it is put on record."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailer import accounts, proofs
from mailer.accounts import Role
from mailer.foundation.paging import Cursor
from mailer.foundation.settings import Settings
from tests.support.factories import DORA, make_organisation
from tests.support.keeping import keep
from tests.support.make_accounts import make_account, team_client
from tests.support.make_consents import Cleo, erase, make_cleo
from tests.support.verifying import judge

EMPTY = Cursor(older_than=None, newer_than=None)


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def proof_page(cleo: Cleo) -> str:
    return f"/admin/people/{cleo.contact.public_id}/proof"


@pytest.mark.requirement("T-040")
@pytest.mark.requirement("C-045")
def test_the_privacy_officer_takes_a_bundle_out_and_it_is_noted(
    app: Flask, cleo: Cleo, settings: Settings
) -> None:
    keep(settings)
    eva = team_client(app, make_account(cleo.organisation, name="Eva", role=Role.PRIVACY_OFFICER))
    person = eva.get(f"/admin/people/{cleo.contact.public_id}").text
    assert f'href="{proof_page(cleo)}"' in person
    page = eva.get(proof_page(cleo)).text
    assert "Take out the proof for Monthly letter" in page
    assert "operator-asserted only" in page
    for sha256 in proofs.verifier_hashes().values():
        assert sha256 in page
    answer = eva.send(proof_page(cleo), list=cleo.letter.public_id)
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    filename = f"proof-{cleo.contact.public_id}-{cleo.letter.public_id}.zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{filename}"'
    assert judge(answer.data, proofs.policy_text().encode())["ok"]
    (line,) = [
        line
        for line in accounts.list_audit(cleo.organisation, EMPTY).rows
        if line.entry.action == "took out a proof bundle"
    ]
    assert (line.who, line.entry.subject) == ("Eva", cleo.contact.public_id)
    assert line.entry.details == {"mailing_list": cleo.letter.public_id}
    assert "Take out the proof for Measuring opens and clicks" in page
    measured = eva.send(proof_page(cleo), list="tracking")
    assert judge(measured.data, proofs.policy_text().encode())["ok"]


@pytest.mark.requirement("T-020")
def test_the_page_says_when_the_log_has_not_signed_yet(app: Flask, cleo: Cleo) -> None:
    ada = team_client(app, make_account(cleo.organisation))
    page = ada.get(proof_page(cleo)).text
    assert "not yet anchored" in page
    assert "try again in a minute" in page


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_others_neither_see_nor_take_a_proof(app: Flask, cleo: Cleo, role: Role) -> None:
    ben = team_client(app, make_account(cleo.organisation, name="Ben", role=role))
    assert proof_page(cleo) not in ben.get(f"/admin/people/{cleo.contact.public_id}").text
    assert ben.get(proof_page(cleo)).status_code == 403
    assert ben.send(proof_page(cleo), list=cleo.letter.public_id).status_code == 403


def test_another_organisation_gets_nothing(app: Flask, cleo: Cleo) -> None:
    dora = team_client(app, make_account(make_organisation(DORA), name="Dora"))
    assert dora.get(proof_page(cleo)).status_code == 404
    assert dora.send(proof_page(cleo), list=cleo.letter.public_id).status_code == 404


def test_a_list_that_is_not_there_is_said_to_be_missing(app: Flask, cleo: Cleo) -> None:
    ada = team_client(app, make_account(cleo.organisation))
    assert ada.send(proof_page(cleo), list="lst_none").status_code == 404
    assert (
        accounts.list_noted(
            cleo.organisation, "took out a proof bundle", since=cleo.contact.created_at
        )
        == []
    )


def test_after_an_erasure_the_page_says_that_nothing_is_left(app: Flask, cleo: Cleo) -> None:
    ada = team_client(app, make_account(cleo.organisation))
    erase(cleo)
    assert "Nothing to prove" in ada.get(proof_page(cleo)).text
    assert ada.send(proof_page(cleo), list=cleo.letter.public_id).status_code == 404
