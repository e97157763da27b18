"""More requests than the limits allow: nobody is mailed, the team is told, what waits can be erased."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer.devkit import EmbeddedRedis
from mailer.forms import Form
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.organisations import get_organisation_by_id
from mailer.signup import RequestState, SignupRequest
from mailer.suppression import Reason, Scope, suppress
from mailer.transactional import TransactionalMessage
from tests.conftest import settings_for
from tests.support.factories import link_in, mails_for
from tests.support.filling_in import answer, count_requests, shown
from tests.support.make_accounts import make_account, team_client


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return settings_for(
        tmp_path, MAILER_DATABASE_URL=database_url, MAILER_SIGNUPS_PER_FORM_HOUR="3"
    )


@pytest.mark.requirement("S-030")
@pytest.mark.requirement("S-034")
def test_a_flood_through_a_form_is_held_back_told_and_erased(
    client: FlaskClient, form: Form, redis_server: EmbeddedRedis
) -> None:
    token = shown(client, form)
    answers = [
        client.post(
            f"/f/{form.public_id}", data=answer(form, token, address=f"v{number}@example.org")
        )
        for number in range(6)
    ]
    assert {(one.status_code, one.data) for one in answers} == {(303, answers[0].data)}
    assert count_requests() == 3

    organisation = get_organisation_by_id(form.organisation_id)
    ada = team_client(client.application, make_account(organisation))
    assert "than its limits allow" in ada.get("/admin/").text
    assert "Erase 3" in ada.get(f"/admin/forms/{form.public_id}").text

    done = ada.send(f"/admin/forms/{form.public_id}/erase-waiting")

    assert done.status_code == 303
    db.session.expire_all()
    rows = db.session.scalars(sa.select(SignupRequest)).all()
    assert {(row.state, row.address) for row in rows} == {(RequestState.EXPIRED, None)}
    mails = db.session.scalars(sa.select(TransactionalMessage)).all()
    assert {(mail.state, mail.to_address) for mail in mails} == {("cancelled", "")}


@pytest.mark.requirement("S-032")
@pytest.mark.parametrize("state", ["waiting", "confirmed", "left", "blocked", "suppressed"])
def test_the_answer_does_not_betray_what_we_know_of_an_address(
    client: FlaskClient, form: Form, redis_server: EmbeddedRedis, state: str
) -> None:
    token = shown(client, form)
    path = f"/f/{form.public_id}"
    fresh = client.post(path, data=answer(form, token, address="new@example.org"))
    client.post(path, data=answer(form, token))
    request = db.session.scalars(sa.select(SignupRequest).order_by(SignupRequest.id.desc())).first()
    assert request is not None
    mail = mails_for(request)[0]
    if state == "confirmed":
        client.post(link_in(mail, "c"))
    elif state == "left":
        client.post(link_in(mail, "c"))
        client.post(link_in(mail, "n"))
    elif state == "blocked":
        client.post(link_in(mail, "n"))
    elif state == "suppressed":
        with unit_of_work():
            suppress(
                get_organisation_by_id(form.organisation_id),
                parse_address("cleo@example.org").digest,
                scope=Scope.MARKETING,
                reason=Reason.COMPLAINT,
            )
    known = client.post(path, data=answer(form, token))
    seen = [
        (one.status_code, one.data, [pair for pair in one.headers if pair[0] != "X-Request-Id"])
        for one in (fresh, known)
    ]
    assert seen[0] == seen[1]
