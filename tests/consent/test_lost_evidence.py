"""Evidence whose key is lost keeps nobody from leaving, and no page from showing the rest."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from mailer import consent, rights, subscriptions, transparency
from mailer.consent import ConsentRecord, ConsentState, ConsentSubject
from mailer.contacts import Contact
from mailer.erasures import AskedBy
from mailer.foundation import keystore
from mailer.foundation.database import db, unit_of_work
from mailer.subscriptions import Subscription, SubscriptionState
from tests.support.auditing import audit
from tests.support.make_accounts import make_account, team_client
from tests.support.make_consents import Cleo, make_cleo

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(params=["gone", "under a foreign key", "another's"])
def cleo(client: FlaskClient, request: pytest.FixtureRequest) -> Cleo:
    """Cleo is subscribed, and the key of her evidence is lost."""
    cleo = make_cleo(client)
    name = name_of(cleo)
    kept = keystore.find(name) or b""
    keystore.destroy([name])
    if request.param == "under a foreign key":
        keystore.put(name, b"\xff" * 8 + kept[8:])
    elif request.param == "another's":
        with unit_of_work():
            other = consent.create_subject(cleo.organisation)
        keystore.put(name, keystore.find(other.public_id) or b"")
    return cleo


def name_of(cleo: Cleo) -> str:
    return db.session.get_one(ConsentSubject, cleo.contact.subject_id).public_id


def alarms() -> list[str]:
    db.session.rollback()
    return [alarm.kind for alarm in transparency.list_alarms()]


def test_one_click_unsubscribes_and_the_withdrawal_can_be_read(
    cleo: Cleo, client: FlaskClient
) -> None:
    link = subscriptions.unsubscribe_url(cleo.contact.public_id, cleo.letter.public_id, "cmp_x")
    assert client.post(urlsplit(link).path, data=ONE_CLICK).status_code == 200
    db.session.rollback()
    states = db.session.scalars(sa.select(Subscription.state)).all()
    assert states == [SubscriptionState.ENDED]
    withdrawn = db.session.scalars(
        sa.select(ConsentRecord).where(ConsentRecord.state == ConsentState.WITHDRAWN)
    ).one()
    assert (consent.read_payload(withdrawn) or {})["ends"] == cleo.given().public_id
    assert alarms() == ["evidence"]


def test_her_pages_and_the_teams_show_the_rest_and_raise_the_alarm(
    cleo: Cleo, app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    preferences = urlsplit(subscriptions.preferences_url(cleo.contact.public_id)).path
    for path in (preferences, cleo.confirm_link):
        assert client.get(path).status_code == 200
    assert "evidence cannot be opened" in caplog.text
    team = team_client(app, make_account(cleo.organisation))
    page = team.get(f"/admin/people/{cleo.contact.public_id}")
    assert page.status_code == 200
    assert "cannot be opened: its key is lost" in page.text
    assert "was erased with the person" not in page.text
    assert "Evidence of people cannot be opened" in team.get("/admin/").text
    assert "Evidence cannot be opened" in team.get("/admin/proof/").text
    assert alarms() == ["evidence"]


def test_she_can_still_be_erased_to_the_last_key(cleo: Cleo) -> None:
    name = name_of(cleo)
    with unit_of_work():
        contact = db.session.get_one(Contact, cleo.contact.id)
        rights.erase(contact, asked_by=AskedBy.PERSON, evidence={"method": "test"})
    assert keystore.find_many([name, *(f"{name}~{number}" for number in (1, 2, 3))]) == {}


def test_a_key_that_was_set_aside_opens_again_once_the_services_own_is_back(app: Flask) -> None:
    keystore.put("sub_1", b"old")
    keystore.set_aside("sub_1")
    keystore.put("sub_1", b"new")
    assert keystore.find_many(["sub_1", "sub_1~1"]) == {"sub_1": b"new", "sub_1~1": b"old"}


def test_the_alarm_ends_when_an_audit_can_read_everything_again(
    app: Flask, client: FlaskClient
) -> None:
    cleo = make_cleo(client)
    name = name_of(cleo)
    kept = keystore.find(name) or b""
    keystore.destroy([name])
    link = subscriptions.preferences_url(cleo.contact.public_id)
    assert client.get(urlsplit(link).path).status_code == 200
    audit()
    assert alarms() == ["evidence"]
    keystore.put(name, kept)
    audit()
    assert alarms() == []
