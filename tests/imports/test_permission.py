"""One permission mail, within what an hour allows; a button confirms, another link says no, time ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import consent, contacts, imports, subscriptions
from mailer.consent import ConsentRecord, ConsentState
from mailer.contacts import Contact
from mailer.devkit import EmbeddedRedis
from mailer.foundation import context
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.imports import Import, ImportRow, RowState
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.suppression import Reason, Scope, find_blocking, suppress
from mailer.transactional import MessageKind, TransactionalMessage
from tests.support.factories import fresh_path, link_in, make_list
from tests.support.making_imports import again, bring, bring_in, csv_of, refusals_of, rows_of
from tests.support.making_imports import check as check_file

SOURCE = "till receipts of 2023"


@pytest.fixture
def asked(mailing_list: MailingList) -> Import:
    """An import of one locked person who was asked."""
    found = bring(mailing_list, csv_of("cleo@example.org,Cleo Marsh"))
    check_file(found, source=SOURCE)
    with unit_of_work():
        imports.start(again(found))
    while True:
        with unit_of_work():
            if not imports.advance():
                break
    return plan(found)


def plan(found: Import) -> Import:
    with unit_of_work():
        imports.ask(again(found))
    with unit_of_work():
        imports.plan_permission_mails()
    return again(found)


def mails() -> list[TransactionalMessage]:
    return list(db.session.scalars(sa.select(TransactionalMessage)))


def contact_of(organisation: Organisation) -> Contact | None:
    return contacts.find_by_address(organisation, parse_address("cleo@example.org"))


def expire() -> None:
    while True:
        with unit_of_work():
            if not imports.expire_imports():
                return


@pytest.mark.requirement("C-021")
@pytest.mark.requirement("C-055")
def test_the_mail_names_the_source_and_asks_and_advertises_nothing(asked: Import) -> None:
    (mail,) = mails()
    text = (mail.body or b"").decode().replace("=\r\n", "")
    assert mail.kind is MessageKind.PERMISSION
    assert SOURCE in text
    assert "privacy notice" in text
    assert "http" in text
    assert "<img" not in text
    assert asked.counts == {"asked": 1}


def test_one_mailbox_gets_few_permission_mails_and_keeps_nobody_waiting(
    mailing_list: MailingList, redis_server: EmbeddedRedis
) -> None:
    tags = [f"c.leo+{number}@gmail.com,Cleo" for number in range(25)]
    found = bring(mailing_list, csv_of(*tags, "dora@example.org,Dora"))
    check_file(found, source=SOURCE)
    with unit_of_work():
        imports.start(again(found))
    while True:
        with unit_of_work():
            if not imports.advance():
                break
    plan(found)
    with unit_of_work():
        imports.plan_permission_mails()
    assert sorted(mail.to_address for mail in mails())[3:] == ["dora@example.org"]
    assert again(found).is_asking
    assert again(found).counts == {"asked": 4, "locked": 22}


@pytest.mark.requirement("L-001")
@pytest.mark.requirement("C-040")
@pytest.mark.requirement("C-020")
def test_opening_the_link_changes_nothing_and_the_button_subscribes_with_three_legs(
    asked: Import, organisation: Organisation, mailing_list: MailingList, client: FlaskClient
) -> None:
    path = link_in(mails()[0], "i")
    page = client.get(path)
    assert page.status_code == 200
    assert SOURCE in page.text
    assert contact_of(organisation) is None
    done = client.post(path)
    assert "You are subscribed" in done.text
    contact = contact_of(organisation)
    assert contact is not None
    assert (contact.first_name, contact.last_name) == ("Cleo", "Marsh")
    assert subscriptions.is_active(contact, mailing_list)
    unknown, given = db.session.scalars(sa.select(ConsentRecord).order_by(ConsentRecord.id))
    assert (unknown.state, given.state) == (ConsentState.UNKNOWN, ConsentState.GIVEN)
    assert given.follows_id == unknown.id
    payload = consent.read_payload(given)
    assert payload is not None
    assert payload["evidence"]["submission"]["leg"] == "import"
    assert payload["evidence"]["confirmation"]["method"] == "POST"
    assert "said yes already" in client.post(path).text
    assert len(list(db.session.scalars(sa.select(ConsentRecord)))) == 2


@pytest.mark.requirement("L-007")
def test_a_machine_that_presses_everything_confirms_nothing(
    asked: Import, organisation: Organisation, client: FlaskClient
) -> None:
    answer = client.post(link_in(mails()[0], "i"), data={"sure": "yes"})
    assert "press once more" in answer.text
    assert contact_of(organisation) is None


@pytest.mark.requirement("C-032")
@pytest.mark.requirement("C-083")
def test_saying_no_stops_all_mail_and_only_a_mailed_link_allows_it_again(
    asked: Import, organisation: Organisation, client: FlaskClient
) -> None:
    mail = mails()[0]
    confirm_path, no_path = link_in(mail, "i"), link_in_no(mail)
    assert "Shall we never write to you" in client.get(no_path).text
    digest = parse_address("cleo@example.org").digest
    assert find_blocking(organisation, digest, scope=Scope.ALL_MAIL) is None
    client.post(no_path)
    entry = find_blocking(organisation, digest, scope=Scope.ALL_MAIL)
    assert entry is not None
    assert entry.reason is Reason.NOT_ME
    assert "blocked" in client.post(confirm_path).text
    assert contact_of(organisation) is None
    (row,) = rows_of(asked)
    assert (row.state, row.address) == (RowState.DISPUTED, None)
    assert client.post(no_path, data={"action": "allow"}).status_code == 403
    client.post(fresh_path(entry.public_id), data={"action": "lift"})
    db.session.expire_all()
    assert find_blocking(organisation, digest, scope=Scope.ALL_MAIL) is None


@pytest.mark.requirement("C-032")
def test_no_afterwards_ends_what_an_undo_brought_back_too(
    asked: Import, organisation: Organisation, mailing_list: MailingList, client: FlaskClient
) -> None:
    (mail,) = mails()
    client.post(link_in(mail, "i"))
    contact = contact_of(organisation)
    assert contact is not None
    with unit_of_work():
        withdrawn = subscriptions.unsubscribe(contact, mailing_list, {"method": "button"})
        token = subscriptions.sign_undo(contact, withdrawn)
    with unit_of_work():
        assert subscriptions.undo(token, {"method": "undo"})
    assert "No further mail" in client.post(link_in_no(mail)).text
    db.session.expire_all()
    assert not subscriptions.is_active(contact, mailing_list)
    subject = consent.get_subject(contact.subject_id)
    assert consent.list_valid(subject, consent.About(mailing_list)) == []


@pytest.mark.requirement("C-028")
def test_whoever_does_not_answer_is_erased_with_their_key_and_never_asked_again(
    asked: Import, organisation: Organisation, client: FlaskClient
) -> None:
    path = link_in(mails()[0], "i")
    (row,) = rows_of(asked)
    subject_id = row.subject_id
    assert subject_id is not None
    with unit_of_work() as session:
        session.get_one(ImportRow, row.id).expires_at = now() - timedelta(seconds=1)
    assert "expired" in client.post(path).text
    expire()
    (row,) = rows_of(asked)
    assert (row.state, row.address, row.address_digest) == (RowState.EXPIRED, None, None)
    db.session.expire_all()
    assert consent.find_key(consent.get_subject(subject_id)) is None
    assert mails()[0].to_address == ""
    assert contact_of(organisation) is None
    assert again(asked).counts == {"expired": 1}


@pytest.mark.requirement("C-028")
def test_what_is_locked_and_never_asked_ends_with_the_import(
    mailing_list: MailingList,
) -> None:
    found = bring_in(mailing_list, csv_of("cleo@example.org,Cleo", "nobody,N"), is_proven=False)
    with unit_of_work() as session:
        session.get_one(Import, found.id).expires_at = now() - timedelta(seconds=1)
    expire()
    (row,) = rows_of(found)
    assert (row.state, row.address) == (RowState.EXPIRED, None)
    assert again(found).ended_at is not None


def test_no_more_mails_go_out_in_an_hour_than_are_allowed(mailing_list: MailingList) -> None:
    allowed = context.settings().import_mails_per_hour
    rows = (f"p{number}@example.org,P" for number in range(30))
    found = plan(bring_in(mailing_list, csv_of(*rows), is_proven=False))
    first = len(mails())
    assert 0 < first < 30
    with unit_of_work() as session:
        # As if the hour's share were used up by others.
        row = rows_of(found, RowState.ASKED)[0]
        session.execute(
            sa.insert(ImportRow),
            [
                {
                    "import_id": row.import_id,
                    "line": 0,
                    "state": RowState.EXPIRED,
                    "fields": {},
                    "proof": {},
                    "filled": [],
                    "is_new_contact": False,
                    "mailed_at": now(),
                }
            ]
            * (allowed - first),
        )
    with unit_of_work():
        assert imports.plan_permission_mails() == 0
    assert len(mails()) == first


@pytest.mark.requirement("C-083")
def test_whoever_stopped_our_mail_meanwhile_is_not_asked(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    found = bring_in(mailing_list, csv_of("cleo@example.org,Cleo"), is_proven=False)
    with unit_of_work():
        digest = parse_address("cleo@example.org").digest
        suppress(organisation, digest, scope=Scope.MARKETING, reason=Reason.UNSUBSCRIBED)
    found = plan(found)
    assert mails() == []
    assert refusals_of(found) == {2: "suppressed"}


def test_nobody_is_asked_twice_for_one_list(asked: Import, mailing_list: MailingList) -> None:
    found = check_file(bring(mailing_list, csv_of("CLEO@example.org,Cleo")))
    assert refusals_of(found) == {2: "asked_before"}


def test_who_is_known_already_confirms_under_their_own_name(
    organisation: Organisation,
    mailing_list: MailingList,
    confirm: Callable[..., Contact],
    client: FlaskClient,
) -> None:
    contact = confirm("cleo@example.org")
    other = make_list(organisation, name="Offers")
    found = plan(bring_in(other, csv_of("cleo@example.org,Else"), is_proven=False))
    mail = next(one for one in mails() if one.kind is MessageKind.PERMISSION)
    client.post(link_in(mail, "i"))
    db.session.expire_all()
    assert subscriptions.is_active(contact, other)
    assert contact_of(organisation).first_name == "Cleo"  # type: ignore[union-attr]  # they are there
    assert again(found).counts == {"confirmed": 1}


@pytest.mark.requirement("C-092")
def test_forgetting_somebody_empties_their_rows(asked: Import, organisation: Organisation) -> None:
    with unit_of_work():
        digest = parse_address("cleo@example.org").digest
        subjects = imports.forget(organisation, digest)
    (row,) = rows_of(asked)
    assert subjects == [row.subject_id]
    assert (row.address, row.address_digest, row.proof) == (None, None, {})
    assert mails()[0].to_address == ""


def link_in_no(mail: TransactionalMessage) -> str:
    """The path of the link that says no."""
    text = (mail.body or b"").decode().replace("=\r\n", "").replace("=3D", "=")
    return "/i/no/" + text.partition("/i/no/")[2].split()[0].split('"')[0]
