"""Following a counted link: everybody arrives, only who agreed is counted, and one press ends it."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from mailer import consent, contacts, rights, subscriptions, tracking
from mailer.app import create_app
from mailer.consent import TRACKING, ConsentRecord, ConsentState
from mailer.erasures import AskedBy
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.subscriptions import is_active
from mailer.tracking import Click, CountedLink
from tests.conftest import settings_for
from tests.support.factories import fresh_path, make_list, make_organisation
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import deliveries_of
from tests.support.make_counted import (
    BOOKS,
    SHOP,
    agree,
    clicks,
    make_counting,
    path_in,
    send,
)


class Reader:
    """Cleo agreed, and has a counted mail."""

    def __init__(self) -> None:
        organisation = make_organisation()
        self.mailing_list = make_list(organisation)
        self.address, self.other = make_people(self.mailing_list, 2)
        agree(self.address)
        self.campaign = make_counting(organisation, self.mailing_list)
        self.mail: EmailMessage = send(self.campaign)[self.address]
        self.contact = contact_of(self.address)
        self.path = path_in(self.mail)
        self.stop = path_in(self.mail, "t")


@pytest.fixture
def reader(app: Flask) -> Reader:
    return Reader()


def silence(reader: Reader, how: str) -> None:
    """Everything after which nothing may be written down any more."""
    with unit_of_work():
        contact = contact_of(reader.address)
        if how == "stopped":
            tracking.stop(contact, {"method": "test"})
        elif how == "left everything":
            subscriptions.unsubscribe_all(contact, {"method": "test"})
        elif how == "invalidated":
            subject = consent.get_subject(contact.subject_id)
            consent.record_invalidated(consent.list_valid(subject, TRACKING)[0], {"method": "test"})
        elif how == "restricted":
            contacts.restrict(contact, "They asked for it.")
        else:
            rights.erase(contact, asked_by=AskedBy.TEAM, evidence={"method": "test"})


def test_a_click_leads_on_and_is_written_down_with_nothing_but_who_what_and_when(
    client: FlaskClient, reader: Reader
) -> None:
    answer = client.get(reader.path, headers={"User-Agent": "Netscape"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == BOOKS
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert clicks() == [(reader.address, 1)]
    assert set(Click.__table__.columns.keys()) == {
        "id",
        "campaign_id",
        "number",
        "contact_id",
        "clicked_at",
    }
    second = client.get(reader.path.removesuffix("1") + "2")
    assert second.headers["Location"] == SHOP
    assert clicks() == [(reader.address, 1), (reader.address, 2)]


@pytest.mark.requirement("C-104")
@pytest.mark.parametrize(
    "how", ["stopped", "left everything", "invalidated", "restricted", "erased"]
)
def test_without_a_standing_consent_the_answer_is_the_same_and_nothing_is_written(
    client: FlaskClient, reader: Reader, how: str
) -> None:
    before = client.get(reader.path)
    silence(reader, how)
    with unit_of_work():
        db.session.execute(sa.delete(Click))
    after = client.get(reader.path)
    assert (after.status_code, after.data) == (before.status_code, before.data)
    shown = [{**answer.headers, "X-Request-Id": ""} for answer in (before, after)]
    assert shown[0] == shown[1]
    assert clicks() == []


@pytest.mark.requirement("L-001")
def test_a_look_ahead_is_no_click(client: FlaskClient, reader: Reader) -> None:
    answer = client.head(reader.path)
    assert (answer.status_code, answer.headers["Location"]) == (302, BOOKS)
    assert clicks() == []
    assert client.post(reader.path).status_code == 405


@pytest.mark.parametrize(
    "number", ["0", "3", "9999999", "-1", "1.0", "x", "١", "9" * 5000, "https:%2F%2Fevil.example"]
)
def test_a_number_that_is_no_link_leads_nowhere(
    client: FlaskClient, reader: Reader, number: str
) -> None:
    answer = client.get(reader.path.removesuffix("1") + number)
    assert answer.status_code == 404
    assert "Location" not in answer.headers
    assert clicks() == []


def _damaged(token: str) -> str:
    """The same with the first letter of its signature changed; of the last one not every bit counts."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"


@pytest.mark.requirement("S-006")
def test_a_link_of_ours_never_leads_where_somebody_else_says(
    client: FlaskClient, reader: Reader
) -> None:
    token = reader.path.split("/")[2]
    contact, campaign = reader.contact.public_id, reader.campaign.public_id
    for forged in (
        _damaged(token),
        token.partition(".")[0],
        f"{contact}~{campaign}.{'A' * 43}",
        sign_lasting(Purpose.UNSUBSCRIBE, contact, campaign),
        sign_lasting(Purpose.PREFERENCES, contact),
        sign_lasting(Purpose.CLICK, contact),
        sign_lasting(Purpose.CLICK, contact, campaign, "more"),
        sign_lasting(Purpose.CLICK, contact, "cmp_nobody"),
        "x" * 2000,
    ):
        answer = client.get(f"/c/{forged}/1?url=https://evil.example/&next=//evil.example")
        assert answer.status_code == 404, forged
        assert "Location" not in answer.headers
    answer = client.get(f"{reader.path}?url=https://evil.example/&to=//evil.example")
    assert answer.headers["Location"] == BOOKS


def test_a_token_of_nobody_we_know_leads_on_and_counts_nobody(
    client: FlaskClient, reader: Reader
) -> None:
    token = sign_lasting(Purpose.CLICK, "con_nobody", reader.campaign.public_id)
    assert client.get(f"/c/{token}/1").headers["Location"] == BOOKS
    assert clicks() == []


def test_a_click_that_cannot_be_written_keeps_nobody_from_arriving(
    client: FlaskClient, reader: Reader
) -> None:
    with unit_of_work():
        db.session.execute(sa.text("ALTER TABLE clicks RENAME TO elsewhere"))
    answer = client.get(reader.path)
    assert (answer.status_code, answer.headers["Location"]) == (302, BOOKS)
    assert client.get(reader.stop).status_code == 200


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://127.0.0.1:1/x"])
def test_without_a_database_there_is_a_page_and_no_redirect(tmp_path: Path, url: str) -> None:
    app = create_app(settings_for(tmp_path, MAILER_DATABASE_URL=url))
    with app.app_context():
        token = sign_lasting(Purpose.CLICK, "con_x", "cmp_x")
    answer = app.test_client().get(f"/c/{token}/1")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert "Location" not in answer.headers


@pytest.mark.requirement("C-103")
def test_one_press_ends_the_counting_and_nothing_else(client: FlaskClient, reader: Reader) -> None:
    page = client.get(reader.stop)
    assert "You receive the same mail as before" in page.text
    assert reader.address not in page.text
    assert tracking.is_agreed(contact_of(reader.address))
    done = client.post(reader.stop)
    assert done.status_code == 200
    assert "Your mail goes on as before" in done.text
    db.session.rollback()
    contact = contact_of(reader.address)
    assert not tracking.is_agreed(contact)
    assert is_active(contact, reader.mailing_list)
    assert "The button does no harm" in client.get(reader.stop).text
    client.get(reader.path)
    assert clicks() == []


@pytest.mark.requirement("C-103")
@pytest.mark.requirement("C-043")
def test_a_press_is_recorded_once_with_its_evidence(client: FlaskClient, reader: Reader) -> None:
    for _ in range(2):
        assert client.post(reader.stop).status_code == 200
    db.session.rollback()
    ended = db.session.scalars(
        sa.select(ConsentRecord).where(ConsentRecord.state == ConsentState.WITHDRAWN)
    ).one()
    evidence = (consent.read_payload(ended) or {})["evidence"]
    assert evidence["method"] == "button behind the link of a mail"
    assert len(evidence["token_sha256"]) == 64


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_damaged_link_to_stop_says_that_it_did_nothing(
    client: FlaskClient, reader: Reader, method: str
) -> None:
    for path in ("/t/damaged", _damaged(reader.stop), "/t/" + "x" * 2000):
        assert client.open(path, method=method).status_code == 410
    assert tracking.is_agreed(reader.contact)
    silence(reader, "erased")
    assert "Nothing to stop" in client.open(reader.stop, method=method).text


def test_the_preference_page_shows_it_ends_it_and_takes_a_new_yes_with_its_words(
    client: FlaskClient, reader: Reader
) -> None:
    path = subscriptions.preferences_url(reader.contact.public_id).removeprefix("http://localhost")
    assert "Stop the counting" in client.get(path).text
    done = client.post(path, data={"action": "stop_counting"}, follow_redirects=True)
    assert "Nothing is measured any more" in done.text
    assert "You may measure this" not in done.text
    assert client.post(path, data={"action": "agree_to_counting"}).status_code == 403
    assert not tracking.is_agreed(reader.contact)
    path = fresh_path(reader.contact.public_id)
    page = client.get(path).text
    assert "You may measure this" in page
    assert "You receive the same mail without it" in page
    again = client.post(path, data={"action": "agree_to_counting"}, follow_redirects=True)
    assert "The consent you just gave is recorded" in again.text
    db.session.rollback()
    given = consent.find_valid(consent.get_subject(reader.contact.subject_id), TRACKING)
    assert given is not None
    evidence = (consent.read_payload(given) or {})["evidence"]
    assert b"which links you follow" in consent.get_text(evidence["shown_sha256"]).body
    assert evidence["notice_sha256"]


@pytest.mark.requirement("C-102")
@pytest.mark.requirement("C-108")
def test_who_was_never_asked_is_not_asked_by_the_preference_page(
    client: FlaskClient, reader: Reader
) -> None:
    other = contact_of(reader.other)
    path = fresh_path(other.public_id)
    assert "Measuring" not in client.get(path).text
    assert client.post(path, data={"action": "agree_to_counting"}).status_code == 400
    db.session.rollback()
    assert not tracking.is_agreed(contact_of(reader.other))


@pytest.mark.requirement("C-092")
def test_an_erasure_deletes_what_a_person_followed(client: FlaskClient, reader: Reader) -> None:
    client.get(reader.path)
    assert clicks() == [(reader.address, 1)]
    silence(reader, "erased")
    assert clicks() == []
    assert {row.tracking_record_id for row in deliveries_of(reader.campaign)} == {None}
    assert len(db.session.scalars(sa.select(CountedLink)).all()) == 2
