"""A person erases themselves: asking leads to the mailbox, the link shows, the button does it."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import rights
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.transactional import MessageKind, TransactionalMessage
from tests.support.make_consents import Cleo, make_cleo


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def preferences(cleo: Cleo) -> str:
    return f"/p/{sign_lasting(Purpose.PREFERENCES, cleo.contact.public_id)}"


def link_mails() -> list[TransactionalMessage]:
    db.session.rollback()
    query = sa.select(TransactionalMessage).where(
        TransactionalMessage.kind == MessageKind.RIGHTS_LINK
    )
    return list(db.session.scalars(query))


def is_erased(cleo: Cleo) -> bool:
    db.session.rollback()
    return db.session.get_one(Contact, cleo.contact.id).erased_at is not None


def link_of(mail: TransactionalMessage) -> str:
    text = (mail.body or b"").decode().replace("=\r\n", "")
    found = re.search(r"http://[^/\s]+(/e/[\w.~-]+)", text)
    assert found is not None, text
    return found[1]


@pytest.mark.requirement("C-087")
@pytest.mark.requirement("S-003")
def test_asking_mails_a_link_to_the_address_and_changes_nothing(
    client: FlaskClient, cleo: Cleo
) -> None:
    answer = client.post(f"{preferences(cleo)}/erasure")
    assert answer.status_code == 200
    assert "c···@example.org" in answer.text
    assert "cleo@" not in answer.text
    (mail,) = link_mails()
    assert mail.to_address == "cleo@example.org"
    assert not is_erased(cleo)


def test_asking_twice_in_a_row_mails_once_and_answers_the_same(
    client: FlaskClient, cleo: Cleo
) -> None:
    first = client.post(f"{preferences(cleo)}/erasure").text
    assert client.post(f"{preferences(cleo)}/erasure").text == first
    assert len(link_mails()) == 1


@pytest.mark.requirement("L-001")
def test_opening_the_link_shows_what_goes_and_erases_nothing(
    client: FlaskClient, cleo: Cleo
) -> None:
    client.post(f"{preferences(cleo)}/erasure")
    page = client.get(link_of(link_mails()[0]))
    assert page.status_code == 200
    numbers = rights.count_for(db.session.get_one(Contact, cleo.contact.id))
    assert f"{numbers.records} records" in page.text
    assert "GDPR Art. 17(3)(b)" in page.text
    assert not is_erased(cleo)


@pytest.mark.requirement("C-092")
@pytest.mark.requirement("C-094")
def test_pressing_the_button_erases_and_shows_the_receipt(client: FlaskClient, cleo: Cleo) -> None:
    client.post(f"{preferences(cleo)}/erasure")
    link = link_of(link_mails()[0])
    page = client.post(link)
    assert page.status_code == 200
    assert "era_" in page.text
    assert is_erased(cleo)
    assert client.post(link).status_code == 410
    assert client.get(preferences(cleo)).status_code == 410


def test_a_preference_link_is_no_erasure_link(client: FlaskClient, cleo: Cleo) -> None:
    token = sign_lasting(Purpose.PREFERENCES, cleo.contact.public_id)
    assert client.post(f"/e/{token}").status_code == 410
    assert not is_erased(cleo)
