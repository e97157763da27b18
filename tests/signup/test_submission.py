"""What a submitted form leaves behind, and the mail it owes."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import consent, signup, subscriptions
from mailer.consent import ConsentRecord, ConsentSubject
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


@pytest.mark.requirement("S-031")
def test_one_mailbox_is_one_mailbox_however_many_addresses_it_has(app: Flask) -> None:
    organisation = make_organisation()
    letter = make_list(organisation)
    form = make_form(organisation, letter)
    written = ["c.leo@gmail.com", "cleo+1@gmail.com", "CLEO@googlemail.com", "cleo+2@gmail.com"]
    asked = [submission(organisation, form, letter, address=address) for address in written]
    with unit_of_work():
        at_once = signup.request_many([signup.prepare(one) for one in asked])
        later = [signup.request(one) for one in asked]
    assert [public_id is not None for public_id in (*at_once, *later)] == [True] + [False] * 7
    make_request(submission(organisation, form, letter, address="c.leo@example.org"))
    make_request(submission(organisation, form, letter, address="cleo@example.org"))


@pytest.mark.requirement("S-031")
def test_one_mailbox_gets_nine_mails_a_week_over_all_organisations(app: Flask) -> None:
    taken = 0
    for place in range(11):
        organisation = make_organisation(replace(DORA, name=f"Organisation {place}"))
        letter = make_list(organisation)
        one = submission(
            organisation, make_form(organisation, letter), letter, address=f"cleo+{place}@gmail.com"
        )
        with unit_of_work():
            taken += signup.request(one) is not None
    assert taken == 9


@pytest.mark.requirement("S-031")
def test_who_confirms_leaves_and_joins_again_on_the_same_day_gets_a_mail_each_time(
    app: Flask,
) -> None:
    organisation = make_organisation()
    letter = make_list(organisation)
    form = make_form(organisation, letter)
    for _ in range(4):
        request = make_request(submission(organisation, form, letter))
        with unit_of_work():
            row = db.session.get_one(SignupRequest, request.id)
            confirmed = signup.confirm(row, pressed())
            subscriptions.unsubscribe_all(confirmed.contact, {"method": "link"})
    assert count(TransactionalMessage) == 4


def pressed() -> signup.ConfirmingAct:
    return signup.ConfirmingAct(
        method="POST", token_digest="0" * 64, ip="192.0.2.0/24", user_agent="Firefox", shown_at=None
    )


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


@pytest.mark.requirement("S-031")
@pytest.mark.requirement("C-082")
def test_those_who_come_at_the_same_moment_are_judged_one_after_the_other(app: Flask) -> None:
    ours, theirs = make_organisation(), make_organisation(DORA)
    letter, offers, other = make_list(ours), make_list(ours, name="Offers"), make_list(theirs)
    form, elsewhere = make_form(ours, letter, offers), make_form(theirs, other)
    with unit_of_work():
        digest = parse_address("blocked@example.org").digest
        suppress(ours, digest, scope=Scope.ALL_MAIL, reason=Reason.NOT_ME)
    asked = [
        submission(ours, form, letter),
        submission(ours, form, letter, address="Cleo@Example.ORG"),
        submission(ours, form, letter, address="blocked@example.org"),
        submission(theirs, elsewhere, other, address="blocked@example.org"),
        submission(ours, form, letter, unticked=(offers,), address="dora@example.org"),
        submission(ours, form, offers),
    ]
    ready = [signup.prepare(one) for one in asked]
    with unit_of_work():
        results = signup.request_many(ready)
    wanted = [True, False, False, True, True, True]
    assert results == [
        one.public_id if is_taken else None for one, is_taken in zip(ready, wanted, strict=True)
    ]
    for public_id, submitted in zip(results, asked, strict=True):
        found = db.session.scalar(
            sa.select(SignupRequest).where(SignupRequest.public_id == public_id)
        )
        assert (found is None) == (public_id is None)
        if found is not None:
            assert found.address == submitted.address.given
            assert found.organisation_id == submitted.organisation.id
            (message,) = mails_for(found)
            assert message.to_address == submitted.address.given
            evidence = [consent.read_payload(record) for record in records_of(found)]
            assert {one["evidence"]["address"] for one in evidence if one} == {found.address}
            assert [one["state"] for one in evidence if one] == [
                "requested" if control.is_ticked else "refused" for control in submitted.controls
            ]


@pytest.mark.requirement("S-031")
def test_three_mails_a_week_are_no_more_when_they_are_asked_for_at_once(app: Flask) -> None:
    organisation = make_organisation()
    lists = [make_list(organisation, name=f"List {number}") for number in range(4)]
    form = make_form(organisation, *lists)
    ready = [signup.prepare(submission(organisation, form, one)) for one in lists]
    with unit_of_work():
        results = signup.request_many(ready)
    assert results == [*(one.public_id for one in ready[:3]), None]
    assert count(TransactionalMessage) == 3
    assert count(ConsentSubject) == 3  # of the fourth nothing is kept


def records_of(request: SignupRequest) -> list[ConsentRecord]:
    return list(
        db.session.scalars(
            sa.select(ConsentRecord)
            .where(ConsentRecord.subject_id == request.subject_id)
            .order_by(ConsentRecord.id)
        )
    )
