"""More requests than the limits allow: they are held, told truthfully, shown to the team, mailed or erased."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import forms, signup
from mailer.devkit import EmbeddedRedis
from mailer.forms import Asking, Form, guard
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
    inbox = f"/f/{form.public_id}/check-inbox"
    assert [one.location for one in answers] == [inbox] * 3 + [f"{inbox}?held=1"] * 3
    told = client.get(answers[3].location).text
    assert "The mail with the link comes a little later" in told
    assert "We have sent you" not in told
    assert count_requests() == 6
    assert count_mails() == 3

    organisation = get_organisation_by_id(form.organisation_id)
    ada = team_client(client.application, make_account(organisation))
    overview = ada.get("/admin/").text
    assert "than its limits allow" in overview
    assert "3 requests wait for you" in overview
    assert "held back" in ada.get("/admin/people/waiting").text
    page = ada.get(f"/admin/forms/{form.public_id}").text
    assert "3 from one network" in page
    assert "3 @example.org" in page
    assert "Erase 6" in page

    done = ada.send(f"/admin/forms/{form.public_id}/erase-waiting")

    assert done.status_code == 303
    db.session.expire_all()
    rows = db.session.scalars(sa.select(SignupRequest)).all()
    assert {(row.state, row.address) for row in rows} == {(RequestState.EXPIRED, None)}
    mails = db.session.scalars(sa.select(TransactionalMessage)).all()
    assert {(mail.state, mail.to_address) for mail in mails} == {("cancelled", "")}


def count_mails() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(TransactionalMessage)) or 0


def flood(client: FlaskClient, form: Form, count: int, ip: str = "192.0.2.1") -> None:
    token = shown(client, form)
    for number in range(count):
        address = f"v{number}@d{ip.replace('.', '-')}.example"
        client.post(
            f"/f/{form.public_id}",
            data=answer(form, token, address=address),
            environ_base={"REMOTE_ADDR": ip},
        )


def test_the_team_mails_those_of_one_network_and_erases_those_of_another(
    client: FlaskClient, form: Form, redis_server: EmbeddedRedis
) -> None:
    flood(client, form, 3, "198.51.100.9")
    flood(client, form, 2, "192.0.2.1")
    flood(client, form, 2, "203.0.113.7")
    ada = team_client(
        client.application, make_account(get_organisation_by_id(form.organisation_id))
    )
    path = f"/admin/forms/{form.public_id}"
    networks = re.findall(r'name="network" value="([^"]+)"', ada.get(path).text)[::2]
    assert len(networks) == 2
    held = sorted(networks, key=lambda network: "d192" not in address_held_from(network))

    ada.send(f"{path}/release-held", network=held[0])

    assert count_mails() == 5
    ada.send(f"{path}/erase-held", network=held[1])
    db.session.expire_all()
    rows = db.session.scalars(sa.select(SignupRequest)).all()
    assert [row.held_at for row in rows] == [None] * 7
    assert sum(row.state is RequestState.EXPIRED for row in rows) == 2
    (mailed,) = [row for row in rows if row.address == "v0@d192-0-2-1.example"]
    confirmed = client.post(link_in(mails_for(mailed)[0], "c"))
    assert "v···@" in confirmed.text or confirmed.status_code == 200
    assert "Held back" not in ada.get(path).text


def address_held_from(network: str) -> str:
    row = db.session.scalars(
        sa.select(SignupRequest.address).where(SignupRequest.network_digest == network)
    ).first()
    return (row or "").partition("@")[2]


def test_whoever_asked_again_elsewhere_is_not_mailed_twice_when_held_requests_are_released(
    client: FlaskClient, form: Form, redis_server: EmbeddedRedis
) -> None:
    flood(client, form, 5)
    with unit_of_work():
        other = db.session.scalars(sa.select(SignupRequest).order_by(SignupRequest.id)).first()
        held = db.session.scalars(
            sa.select(SignupRequest).where(SignupRequest.held_at.is_not(None))
        ).first()
        assert other is not None
        assert held is not None
        other.mailbox_digest = held.mailbox_digest  # as if the first had been this mailbox's
        asked_again = held.public_id
        assert signup.release_held(form) == 1
    db.session.expire_all()
    row = db.session.scalars(
        sa.select(SignupRequest).where(SignupRequest.public_id == asked_again)
    ).one()
    assert row.state is RequestState.EXPIRED


def test_when_too_many_are_held_the_visitor_keeps_what_they_typed_and_is_told(
    client: FlaskClient, form: Form, redis_server: EmbeddedRedis
) -> None:
    published = forms.find_published(form.public_id)
    assert published is not None
    forms.admit(
        [
            Asking(published, parse_address(f"v{number}@example.org"), "192.0.2.1")
            for number in range(3 + guard.HELD_PER_NETWORK_DAY)
        ]
    )
    token = shown(client, form)
    response = client.post(
        f"/f/{form.public_id}",
        data=answer(form, token, address="late@example.org"),
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )
    assert response.status_code == 429
    assert "Nothing was stored" in response.text
    assert 'value="late@example.org"' in response.text
    assert count_requests() == 0


@pytest.mark.requirement("S-030")
def test_who_confirmed_takes_no_place_in_the_limits(
    client: FlaskClient, form: Form, redis_server: EmbeddedRedis
) -> None:
    token, path = shown(client, form), f"/f/{form.public_id}"
    for number in range(5):
        address = f"v{number}@example.org"
        response = client.post(path, data=answer(form, token, address=address))
        assert response.location == f"{path}/check-inbox", number
        row = db.session.scalars(
            sa.select(SignupRequest).where(SignupRequest.address == address)
        ).one()
        client.post(link_in(mails_for(row)[0], "c"))
        client.post(link_in(mails_for(row)[0], "c"))  # a second press gives nothing back


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
