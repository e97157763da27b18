"""Erasing a person: what said who they were is gone everywhere, what only counts stays, proofs still hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from mailer import consent, erasures, receipts, rights, transactional, transparency
from mailer.consent import ConsentRecord, ConsentState
from mailer.contacts import Contact
from mailer.erasures import AskedBy, RegisterDamaged
from mailer.foundation import keystore
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import Model, db, unit_of_work
from mailer.foundation.errors import NotAllowed, Unavailable
from mailer.rights import Closing
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.suppression import Reason, Scope, find_blocking
from mailer.transactional import MessageKind, MessageState, TransactionalMessage
from mailer.transport import Outcome, OutcomeKind
from tests.support.factories import make_request, submission
from tests.support.make_consents import Cleo, make_cleo
from tests.support.restoring import copy_rows, restore_rows

WHO = ("cleo@example.org", "Cleo")


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def erase(cleo: Cleo, asked_by: AskedBy = AskedBy.TEAM) -> Closing:
    with unit_of_work():
        contact = db.session.get_one(Contact, cleo.contact.id)
        return rights.erase(contact, asked_by=asked_by, evidence={"method": "test"})


def settle(kind: MessageKind) -> None:
    """Have the relay take the mails of one kind."""
    with unit_of_work():
        for message in transactional.claim_due("a worker", 50):
            is_taken = message.kind is kind
            outcome = Outcome(
                key=f"t{message.id}",
                kind=OutcomeKind.ACCEPTED if is_taken else OutcomeKind.UNSENT,
                code=250,
                enhanced="2.0.0",
                text=f"taken for {message.to_address}",
                relay="relay.example",
                at=now(),
                stage="body",
                tls=True,
            )
            transactional.settle(message, outcome, owner="a worker")


def everything_stored() -> Iterator[tuple[str, str]]:
    """Every value of every table, as text, with the column it stands in."""
    db.session.rollback()
    for table in Model.metadata.sorted_tables:
        for row in db.session.execute(sa.select(table)).mappings():
            for column, value in row.items():
                shown = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                yield f"{table.name}.{column}", shown


@pytest.mark.requirement("C-092")
def test_nothing_that_is_stored_says_who_it_was(cleo: Cleo) -> None:
    assert {place for place, text in everything_stored() if WHO[0] in text}
    make_request(submission(cleo.organisation, cleo.form, cleo.offers, address="CLEO@example.org"))
    erase(cleo)
    settle(MessageKind.CLOSING)
    found = [
        (place, text[:80])
        for place, text in everything_stored()
        if any(word.lower() in text.lower() for word in WHO)
    ]
    assert found == []
    digest = parse_address(WHO[0]).digest
    assert {place for place, text in everything_stored() if digest in text} == {
        "suppression_entries.address_digest"
    }


@pytest.mark.requirement("T-050")
def test_payload_salt_blobs_and_key_are_destroyed_and_the_records_stay(cleo: Cleo) -> None:
    before = db.session.scalars(sa.select(ConsentRecord.commitment)).all()
    names = [subject.public_id for subject in db.session.scalars(sa.select(consent.ConsentSubject))]
    erase(cleo)
    for table in ("consent_payloads", "evidence_blobs"):
        assert db.session.execute(sa.select(Model.metadata.tables[table])).all() == []
    assert keystore.find_many(names) == {}
    after = db.session.scalars(sa.select(ConsentRecord.commitment)).all()
    assert set(before) < set(after)
    assert ConsentState.WITHDRAWN in set(db.session.scalars(sa.select(ConsentRecord.state)))
    states = set(db.session.scalars(sa.select(Subscription.state)))
    assert states == {SubscriptionState.ENDED}


@pytest.mark.requirement("T-050")
def test_the_log_gets_a_leaf_that_the_closing_receipt_opens(cleo: Cleo) -> None:
    closing = erase(cleo)
    with unit_of_work():
        transparency.sequence()
    position = transparency.find_position(closing.public_id)
    assert position is not None
    leaf = transparency.read_leaf(transparency.get_leaf(position))
    assert (leaf.kind, leaf.commitment) == ("erased", closing.commitment)
    plain = {
        name: value
        for name, value in closing.document.items()
        if name not in ("salt", "algorithm", "signature")
    }
    salt = bytes.fromhex(closing.document["salt"])
    assert consent.commitment(salt, consent.canonical_json(plain)) == closing.commitment


@pytest.mark.requirement("C-094")
@pytest.mark.requirement("T-052")
def test_the_closing_receipt_is_signed_and_names_what_remains_and_why(cleo: Cleo) -> None:
    closing = erase(cleo)
    assert receipts.verify(rights.receipt_text(closing).encode()).verdict == "genuine"
    assert len(closing.document["remains"]) == 4
    assert all(part["why"] and "GDPR" in part["article"] for part in closing.document["remains"])
    assert "cleo" not in rights.receipt_text(closing).lower()
    # What is left as a digest is called what it is: something that remains.
    assert "keyed digest" in closing.document["remains"][0]["what"]
    (mail,) = db.session.scalars(
        sa.select(TransactionalMessage).where(TransactionalMessage.kind == MessageKind.CLOSING)
    )
    assert mail.to_address == WHO[0]
    assert mail.body is not None
    assert b"application/json" in mail.body


@pytest.mark.requirement("C-092")
def test_the_address_goes_from_the_last_mail_once_it_is_taken(cleo: Cleo) -> None:
    erase(cleo)
    settle(MessageKind.CLOSING)
    (mail,) = db.session.scalars(
        sa.select(TransactionalMessage).where(TransactionalMessage.kind == MessageKind.CLOSING)
    )
    assert (mail.state, mail.to_address, mail.body) == (MessageState.ACCEPTED, "", None)


@pytest.mark.requirement("C-080")
@pytest.mark.requirement("C-083")
def test_a_keyed_digest_keeps_the_address_from_being_entered_again(cleo: Cleo) -> None:
    digest = parse_address(WHO[0]).digest
    erase(cleo)
    entry = find_blocking(cleo.organisation, digest, scope=Scope.MARKETING)
    assert entry is not None
    assert entry.reason is Reason.ERASURE


def test_who_was_erased_can_sign_up_anew_and_is_somebody_new(
    cleo: Cleo, client: FlaskClient
) -> None:
    old = cleo.contact.id
    erase(cleo)
    again = make_request(submission(cleo.organisation, cleo.form, cleo.letter))
    assert again.contact_id is None
    assert db.session.get_one(Contact, old).address is None


def test_a_second_erasure_is_refused_in_words(cleo: Cleo) -> None:
    erase(cleo)
    with pytest.raises(NotAllowed, match="erased already"):
        erase(cleo)


def test_without_the_list_outside_nothing_is_erased(cleo: Cleo) -> None:
    settings().erasure_list.mkdir()
    with pytest.raises(Unavailable, match="Nothing was erased"):
        erase(cleo)
    db.session.rollback()
    assert consent.read_payload(cleo.given()) is not None
    assert db.session.get_one(Contact, cleo.contact.id).address == WHO[0]


def test_a_line_cut_off_by_a_crash_is_passed_over_and_a_damaged_one_is_told(cleo: Cleo) -> None:
    path: Path = settings().erasure_list
    path.write_text('{"form":1,"erasure":"era_cut', encoding="utf-8")
    erase(cleo)
    assert [json.loads(line)["form"] for line in path.read_text().splitlines()[1:]] == [1]
    assert erasures.list_unapplied() == []
    path.write_text(path.read_text() + '{"form":1}\n', encoding="utf-8")
    with pytest.raises(RegisterDamaged, match="line 3"):
        erasures.list_unapplied()


@pytest.mark.requirement("C-092")
@pytest.mark.parametrize("has_keys", [True, False])
def test_what_a_restored_backup_brings_back_is_erased_again(
    app: Flask, cleo: Cleo, has_keys: bool
) -> None:
    backup = copy_rows()
    keys = keystore.find_many(db.session.scalars(sa.select(consent.ConsentSubject.public_id)).all())
    closing = erase(cleo)
    restore_rows(app, backup)
    if has_keys:
        keystore.put_many(keys)  # the worst case: an old copy of the key store was put back too
    assert (consent.read_payload(cleo.given()) is not None) == has_keys
    entries = erasures.list_unapplied()
    assert [entry.erasure for entry in entries] == [closing.public_id]
    with unit_of_work():
        assert rights.reapply(entries) == 1
    assert erasures.list_unapplied() == []
    assert consent.read_payload(cleo.given()) is None
    assert [place for place, text in everything_stored() if WHO[0] in text] == []
    digest = parse_address(WHO[0]).digest
    assert find_blocking(cleo.organisation, digest, scope=Scope.MARKETING) is not None
    assert transparency.is_logged(closing.public_id)
    with unit_of_work():
        assert rights.reapply(entries) == 1  # doing it twice does no harm
