"""What a submitted form leaves behind, and the mail it owes."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import signup
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db, unit_of_work
from mailer.signup import SignupRequest
from mailer.suppression import Reason, Scope, suppress
from mailer.transactional import TransactionalMessage
from tests.support.factories import (
    DORA,
    mails_for,
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)


def count(table: type) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.mark.requirement("C-021")
@pytest.mark.requirement("C-023")
@pytest.mark.requirement("C-025")
@pytest.mark.requirement("E-010")
def test_the_mail_asks_and_does_nothing_else(app: Flask) -> None:
    organisation = make_organisation()
    letter = make_list(organisation)
    form = make_form(organisation, letter)
    request = make_request(submission(organisation, form, letter))

    (message,) = mails_for(request)
    mail = email.message_from_bytes(message.body or b"", policy=email.policy.default)

    assert mail["To"] == "cleo@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    for part in (text, html):
        assert "Harbour Books Ltd" in part
        assert "Monthly letter" in " ".join(part.split())
        assert "12 Custom House Quay" in part
        assert "Cleo" not in part  # nothing the visitor typed
    assert "<img" not in html
    links = {word for word in text.split() if word.startswith("http://localhost/")}
    assert sorted(link.split("/")[3] for link in links) == ["c", "n"]


def test_several_lists_are_asked_for_in_one_mail(app: Flask) -> None:
    organisation = make_organisation()
    letter, offers = make_list(organisation), make_list(organisation, name="Offers")
    form = make_form(organisation, letter, offers)
    request = make_request(submission(organisation, form, letter, offers))
    (message,) = mails_for(request)
    assert b"Monthly letter" in (message.body or b"")
    assert b"Offers" in (message.body or b"")


@pytest.mark.requirement("C-024")
@pytest.mark.requirement("S-031")
def test_the_same_list_is_asked_for_once_a_day(app: Flask) -> None:
    organisation = make_organisation()
    letter = make_list(organisation)
    form = make_form(organisation, letter)
    make_request(submission(organisation, form, letter))
    with unit_of_work():
        again = signup.request(submission(organisation, form, letter, address="Cleo@EXAMPLE.org"))
    assert again is None
    assert count(TransactionalMessage) == 1
    assert count(SignupRequest) == 1


@pytest.mark.requirement("S-031")
def test_an_address_gets_three_mails_a_week_however_many_lists_there_are(app: Flask) -> None:
    organisation = make_organisation()
    lists = [make_list(organisation, name=f"List {number}") for number in range(4)]
    form = make_form(organisation, *lists)
    for mailing_list in lists:
        with unit_of_work():
            signup.request(submission(organisation, form, mailing_list))
    assert count(TransactionalMessage) == 3
    with unit_of_work():
        for row in db.session.scalars(sa.select(SignupRequest)):
            row.requested_at -= timedelta(days=8)
    make_request(submission(organisation, form, lists[3]))


def test_another_organisation_may_still_ask(app: Flask) -> None:
    ours, theirs = make_organisation(), make_organisation(DORA)
    for organisation in (ours, theirs):
        letter = make_list(organisation)
        make_request(submission(organisation, make_form(organisation, letter), letter))
    assert count(TransactionalMessage) == 2


@pytest.mark.requirement("C-082")
@pytest.mark.parametrize(("scope", "mails"), [(Scope.MARKETING, 1), (Scope.ALL_MAIL, 0)])
def test_who_stopped_marketing_may_ask_anew_and_who_stopped_all_mail_is_left_alone(
    app: Flask, scope: Scope, mails: int
) -> None:
    organisation = make_organisation()
    letter = make_list(organisation)
    form = make_form(organisation, letter)
    with unit_of_work():
        digest = parse_address("cleo@example.org").digest
        suppress(organisation, digest, scope=scope, reason=Reason.NOT_ME)
        signup.request(submission(organisation, form, letter))
    assert count(TransactionalMessage) == mails
