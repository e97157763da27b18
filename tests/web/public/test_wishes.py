"""Less mail instead of none: a pause, and how often at most."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from mailer import subscriptions
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from tests.support.factories import fresh_path
from tests.support.make_consents import Cleo, make_cleo


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def _page(cleo: Cleo) -> str:
    return subscriptions.preferences_url(cleo.contact.public_id).removeprefix(settings().public_url)


def _contact(cleo: Cleo) -> Contact:
    db.session.rollback()
    return db.session.get_one(Contact, cleo.contact.id, populate_existing=True)


def test_a_pause_begins_and_ends_with_one_button_each(client: FlaskClient, cleo: Cleo) -> None:
    assert "Pause all mail" in client.get(_page(cleo)).text
    begun = client.post(_page(cleo), data={"action": "pause", "days": "30"})
    assert "Your pause has begun" in client.get(begun.headers["Location"]).text
    until = _contact(cleo).paused_until
    assert until is not None
    assert timedelta(days=29) < until - now() <= timedelta(days=30)
    assert client.post(_page(cleo), data={"action": "end_pause"}).status_code == 403
    assert _contact(cleo).paused_until == until
    client.post(fresh_path(cleo.contact.public_id), data={"action": "end_pause"})
    assert _contact(cleo).paused_until is None


def test_a_wish_for_less_mail_is_kept_and_taken_back(client: FlaskClient, cleo: Cleo) -> None:
    client.post(_page(cleo), data={"action": "interval", "interval": "30"})
    assert _contact(cleo).mail_interval_days == 30
    assert '<option value="30" selected' in client.get(_page(cleo)).text
    for more in ("", "7"):
        answer = client.post(_page(cleo), data={"action": "interval", "interval": more})
        assert answer.status_code == 403
    assert _contact(cleo).mail_interval_days == 30
    fresh = fresh_path(cleo.contact.public_id)
    client.post(fresh, data={"action": "interval", "interval": ""})
    assert _contact(cleo).mail_interval_days is None


@pytest.mark.parametrize(
    "given",
    [
        {"action": "pause", "days": "9999"},
        {"action": "pause"},
        {"action": "interval", "interval": "-1"},
    ],
)
def test_other_answers_than_those_of_the_page_are_refused(
    client: FlaskClient, cleo: Cleo, given: dict[str, str]
) -> None:
    assert client.post(_page(cleo), data=given).status_code == 400
    assert _contact(cleo).paused_until is None
