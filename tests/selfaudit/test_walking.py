"""The self-audit finds nothing where nothing is wrong, and whatever was rewritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from mailer import consent, rights, selfaudit, transparency
from mailer.consent import About, ConsentRecord, ConsentSubject
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState
from mailer.erasures import AskedBy
from mailer.foundation import cipher, keystore
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id
from mailer.subscriptions import Subscription
from tests.support.auditing import audit
from tests.support.factories import (
    link_in,
    mails_for,
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)
from tests.support.keeping import keep, queue_leaves
from tests.support.make_campaigns import make_draft
from tests.support.make_consents import make_cleo
from tests.support.tampering import tamper

pytestmark = pytest.mark.requirement("T-022")


@pytest.fixture
def letter(app: Flask, settings: Settings) -> MailingList:
    """Cleo joined this list, got a mail on it, and everything is in a log of several tiles."""
    organisation = make_organisation()
    letter = make_list(organisation)
    other = make_list(organisation, name="Other")
    form = make_form(organisation, letter)
    request = make_request(submission(organisation, form, letter))
    app.test_client().post(link_in(mails_for(request)[0], "c"))
    campaign = make_draft(organisation, letter)
    with unit_of_work():
        membership = db.session.scalars(sa.select(Subscription)).one()
        db.session.add(
            Delivery(
                campaign_id=campaign.id,
                contact_id=membership.contact_id,
                mailing_list_id=letter.id,
                consent_record_id=membership.proof_id,
                state=DeliveryState.ACCEPTED,
                settled_at=now(),
            )
        )
        subject = db.session.scalars(sa.select(ConsentSubject)).one()
        ended = consent.record_given(subject, About(other), {})
        consent.record_withdrawn(ended, {})
        erased = consent.create_subject(organisation)
        consent.record_refused(erased, About(letter), {})
        consent.erase_subject(erased)
    keep(settings)
    queue_leaves(None, *(f"lea_{number}" for number in range(600)))
    keep(settings)
    queue_leaves(organisation, "lea_last")
    keep(settings)
    return letter


def kinds() -> set[str]:
    return {found.kind.value for found in audit()}


def given() -> ConsentRecord:
    return db.session.scalars(
        sa.select(ConsentRecord)
        .join(Subscription, Subscription.proof_id == ConsentRecord.id)
        .order_by(ConsentRecord.id)
    ).one()


def test_where_nothing_was_rewritten_nothing_is_found(letter: MailingList) -> None:
    assert audit() == []
    newest = selfaudit.find_newest()
    assert newest is not None
    assert newest.finished_at is not None
    assert newest.done == newest.total
    assert newest.sees_signer
    assert selfaudit.find_alarming() is None


# Table, what its owner rewrites, and what must be found.
REWRITTEN: tuple[tuple[str, str, set[str]], ...] = (
    (
        "consent_records",
        "UPDATE consent_records SET state = 'given' WHERE state = 'requested'",
        {"payload_differs"},
    ),
    (
        "consent_records",
        (
            "UPDATE consent_records SET commitment = substr(commitment, 1, 31) || substr(commitment, 1, 1) "
            "WHERE state = 'given' AND id IN (SELECT proof_id FROM subscriptions)"
        ),
        {"leaf_differs", "commitment_differs"},
    ),
    (
        "log_entries",
        "DELETE FROM log_entries WHERE position = 400",
        {"leaf_gap"},
    ),
    (
        "log_entries",
        "DELETE FROM log_entries WHERE position = 607",
        {"checkpoint_beyond", "signer_differs"},
    ),
    (
        "log_entries",
        "UPDATE log_entries SET public_id = 'rec_other' WHERE position = 0",
        {"leaf_differs", "leaf_missing"},
    ),
    (
        "log_entries",
        (
            "UPDATE log_entries SET leaf = (SELECT leaf FROM log_entries e WHERE e.position = 300) "
            "WHERE position = 301"
        ),
        {"leaf_differs", "tile_differs", "checkpoint_differs", "signer_differs", "entries_differ"},
    ),
    (
        "log_tiles",
        (
            "UPDATE log_tiles SET hashes = (SELECT hashes FROM log_tiles t WHERE t.level = 0 AND t.number = 1) "
            "WHERE level = 0 AND number = 0"
        ),
        {"tile_differs"},
    ),
    (
        "log_tiles",
        "DELETE FROM log_tiles WHERE level = 1",
        {"tile_differs"},
    ),
    (
        "log_checkpoints",
        "UPDATE log_checkpoints SET root = (SELECT root FROM log_checkpoints c WHERE c.id = 1) WHERE id = 2",
        {"checkpoint_differs"},
    ),
    (
        "log_checkpoints",
        "UPDATE log_checkpoints SET note = replace(note, 'localhost', 'elsewhere') WHERE id = 2",
        {"checkpoint_unsigned"},
    ),
    (
        "consent_payloads",
        "DELETE FROM consent_payloads WHERE record_id = (SELECT MIN(record_id) FROM consent_payloads)",
        {"payload_missing"},
    ),
    (
        "consent_payloads",
        (
            "UPDATE consent_payloads SET sealed = (SELECT sealed FROM consent_payloads p WHERE p.record_id = 2) "
            "WHERE record_id = 1"
        ),
        {"payload_unreadable"},
    ),
    (
        "consent_subjects",
        "UPDATE consent_subjects SET erased_at = created_at WHERE erased_at IS NULL",
        {"payload_remains"},
    ),
    (
        "subscriptions",
        "UPDATE subscriptions SET proof_id = (SELECT MIN(id) FROM consent_records)",
        {"membership_unproven"},
    ),
    (
        "deliveries",
        "UPDATE deliveries SET consent_record_id = (SELECT MIN(id) FROM consent_records)",
        {"delivery_unproven"},
    ),
)


@pytest.mark.parametrize(("table", "statement", "wanted"), REWRITTEN)
def test_what_is_rewritten_is_found(
    letter: MailingList, table: str, statement: str, wanted: set[str]
) -> None:
    if db.engine.dialect.name == "postgresql":
        statement = statement.replace(
            "substr(commitment, 1, 31) || substr(commitment, 1, 1)", "set_byte(commitment, 0, 7)"
        )
    elif "substr" in statement:
        statement = statement.replace(
            "substr(commitment, 1, 31) || substr(commitment, 1, 1)", "zeroblob(32)"
        )
    tamper(table, statement)
    assert kinds() == wanted
    alarming = selfaudit.find_alarming()
    assert alarming is not None
    assert alarming.findings_count == len(audit())


def test_a_record_that_was_taken_away_is_missed(letter: MailingList) -> None:
    record = given()
    with unit_of_work():
        subject = consent.create_subject(get_organisation_by_id(letter.organisation_id))
        extra = consent.record_refused(subject, About(letter), {})
        extra_id, public_id = extra.id, extra.public_id
        transparency.sequence()
    tamper("consent_payloads", f"DELETE FROM consent_payloads WHERE record_id = {extra_id}")
    tamper("consent_records", f"DELETE FROM consent_records WHERE id = {extra_id}")
    (found,) = audit()
    assert found.kind is selfaudit.FindingKind.RECORD_MISSING
    assert public_id in found.message
    assert record.public_id not in found.message


def test_a_record_that_was_slipped_in_is_found(letter: MailingList) -> None:
    record = given()
    columns = "organisation_id, subject_id, matter, mailing_list_id, state, algorithm, commitment, recorded_at"
    tamper(
        "consent_records",
        f"INSERT INTO consent_records (public_id, {columns}) "
        f"SELECT 'rec_slipped', {columns} FROM consent_records WHERE id = {record.id}",
    )
    found = audit()
    assert {one.kind.value for one in found} == {"leaf_missing", "payload_missing"}
    assert {one.place for one in found} == {"rec_slipped"}


def test_a_delivery_before_its_consent_and_one_long_after_its_end_are_found(
    letter: MailingList,
) -> None:
    delivery = db.session.scalars(sa.select(Delivery)).one()
    with unit_of_work():
        delivery.settled_at = now() - timedelta(days=1)
    assert kinds() == {"delivery_unproven"}
    with unit_of_work():
        db.session.execute(sa.text("UPDATE subscriptions SET state = 'ended'"))
        consent.record_withdrawn(given(), {})
        delivery.settled_at = now() + timedelta(minutes=30)
    assert kinds() == set()
    with unit_of_work():
        delivery.settled_at = now() + timedelta(hours=2)
    assert kinds() == {"delivery_unproven"}


def test_a_key_that_is_gone_without_an_erasure_is_found(letter: MailingList) -> None:
    subject = db.session.scalars(
        sa.select(ConsentSubject).where(ConsentSubject.erased_at.is_(None))
    ).one()
    keystore.destroy([subject.public_id])
    assert kinds() == {"payload_unreadable"}


def test_findings_of_one_organisation_are_not_told_to_another(letter: MailingList) -> None:
    tamper(
        "subscriptions", "UPDATE subscriptions SET proof_id = (SELECT MIN(id) FROM consent_records)"
    )
    audit()
    newest = selfaudit.find_newest()
    assert newest is not None
    dora = make_organisation()
    ada = get_organisation_by_id(letter.organisation_id)
    assert selfaudit.list_findings(newest.id, dora) == []
    assert len(selfaudit.list_findings(newest.id, ada)) == 1


def test_an_audit_can_be_stopped_and_gone_on_with(letter: MailingList) -> None:
    with unit_of_work():
        audit_id = selfaudit.begin(selfaudit.BY_CLOCK)
    state = selfaudit.get_state(audit_id)
    seen = selfaudit.examine(state)
    with unit_of_work():
        assert selfaudit.note(state, seen) is not None
        assert selfaudit.note(state, seen) is None  # somebody else was first
    since = now() - timedelta(hours=1)
    count = 0
    while (again := selfaudit.find_unfinished(selfaudit.BY_CLOCK, since=since)) is not None:
        seen = selfaudit.examine(again)
        with unit_of_work():
            selfaudit.note(again, seen)
        count += 1
    assert count > 3
    assert selfaudit.was_begun(selfaudit.BY_CLOCK, since=since)
    newest = selfaudit.find_newest(is_finished=True)
    assert newest is not None
    assert (newest.id, newest.findings_count) == (audit_id, 0)


@pytest.mark.requirement("T-050")
def test_an_erasure_leaves_no_contradiction(letter: MailingList, settings: Settings) -> None:
    contact = db.session.scalars(sa.select(Contact)).one()
    with unit_of_work():
        rights.erase(contact, asked_by=AskedBy.OPERATOR, evidence={"method": "letter"})
    keep(settings)
    assert audit() == []


@pytest.mark.requirement("C-042")
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (None, set()),
        (lambda _mail: None, {"payload_missing"}),
        (lambda mail: mail.replace(b"Please", b"Plaese"), {"payload_differs"}),
    ],
    ids=["as it left", "gone", "another"],
)
def test_the_mail_of_a_proof_is_read_again_as_it_left(
    client: FlaskClient,
    settings: Settings,
    change: Callable[[bytes], bytes | None] | None,
    found: set[str],
) -> None:
    cleo = make_cleo(client)
    keep(settings)
    subject = consent.get_subject(cleo.contact.subject_id)
    sha256 = db.session.scalars(sa.text("SELECT sha256 FROM evidence_blobs")).one()
    changed = change(consent.get_blob(subject, sha256)) if change else None
    if changed is not None:
        key = consent.find_key(subject) or b""
        sealed = cipher.seal_with(key, changed, bound_to=f"evidence_blobs.{sha256}")
        is_sqlite = db.engine.dialect.name == "sqlite"
        octets = f"x'{sealed.hex()}'" if is_sqlite else f"decode('{sealed.hex()}', 'hex')"
        tamper("evidence_blobs", f"UPDATE evidence_blobs SET sealed = {octets}")
    elif change is not None:
        tamper("evidence_blobs", "DELETE FROM evidence_blobs")
    assert kinds() == found
