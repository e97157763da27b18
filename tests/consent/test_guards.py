"""What the database itself refuses, whoever asks: the ledger is append-only, memberships need proof."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from mailer import accounts, consent
from mailer.consent import About, ConsentRecord, ConsentSubject
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id
from tests.support.factories import (
    link_in,
    mails_for,
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)

RECORDS = ("consent_records", "consent_texts", "notices", "form_versions", "audit_entries")
EVIDENCE = ("consent_payloads", "evidence_blobs")


@pytest.fixture
def letter(app: Flask) -> MailingList:
    """Cleo is subscribed to this list."""
    organisation = make_organisation()
    letter = make_list(organisation)
    form = make_form(organisation, letter)
    request = make_request(submission(organisation, form, letter))
    with unit_of_work():
        consent.put_blob(consent.get_subject(request.subject_id), b"mail", "message/rfc822")
        accounts.note(organisation, None, "published a form", form.public_id)
    app.test_client().post(link_in(mails_for(request)[0], "c"))
    return letter


def refused(statement: str) -> str:
    db.session.rollback()
    with pytest.raises(DBAPIError) as caught, unit_of_work():
        db.session.execute(sa.text(statement))
    return str(caught.value.orig)


def rows(table: str) -> list[tuple[object, ...]]:
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(sa.text(f"SELECT * FROM {table}"))]


@pytest.mark.requirement("T-012")
@pytest.mark.requirement("C-047")
@pytest.mark.parametrize("table", [*RECORDS, *EVIDENCE])
def test_nothing_of_the_ledger_can_be_changed_or_deleted(letter: MailingList, table: str) -> None:
    before = rows(table)
    assert before
    column = {"consent_texts": "media_type", "consent_payloads": "record_id"}.get(table, "id")
    refused(f"UPDATE {table} SET {column} = {column}")
    refused(f"DELETE FROM {table}")
    assert rows(table) == before


@pytest.mark.requirement("T-012")
@pytest.mark.parametrize("table", [*RECORDS, *EVIDENCE])
def test_neither_replacing_nor_truncating_gets_around_it(letter: MailingList, table: str) -> None:
    before = rows(table)
    if db.engine.dialect.name == "sqlite":
        refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    else:
        refused(f"TRUNCATE {table} CASCADE")
    assert rows(table) == before


def test_an_active_subscription_needs_a_proof(letter: MailingList) -> None:
    assert "proof" in refused("UPDATE subscriptions SET proof_id = NULL")


def test_a_request_is_no_proof(letter: MailingList) -> None:
    asked = db.session.scalar(sa.select(ConsentRecord.id).where(ConsentRecord.state == "requested"))
    assert "valid proof" in refused(f"UPDATE subscriptions SET proof_id = {asked}")


def test_the_proof_of_another_list_is_no_proof(letter: MailingList) -> None:
    other = make_list(get_organisation_by_id(letter.organisation_id), name="Other")
    with unit_of_work():
        subject = db.session.scalars(sa.select(ConsentSubject)).one()
        elsewhere = consent.record_given(subject, About(other), {})
    assert "valid proof" in refused(f"UPDATE subscriptions SET proof_id = {elsewhere.id}")


def test_the_proof_of_another_person_is_no_proof(letter: MailingList) -> None:
    organisation = get_organisation_by_id(letter.organisation_id)
    with unit_of_work():
        stranger = consent.create_subject(organisation)
        theirs = consent.record_given(stranger, About(letter), {})
    assert "valid proof" in refused(f"UPDATE subscriptions SET proof_id = {theirs.id}")


def test_a_withdrawn_proof_is_no_proof_any_more(letter: MailingList) -> None:
    with unit_of_work():
        db.session.execute(sa.text("UPDATE subscriptions SET state = 'ended'"))
        given = db.session.scalars(
            sa.select(ConsentRecord).where(ConsentRecord.state == "given")
        ).one()
        consent.record_withdrawn(given, {})
    assert "valid proof" in refused("UPDATE subscriptions SET state = 'active'")


def test_a_consent_cannot_end_while_an_active_subscription_cites_it(letter: MailingList) -> None:
    given = db.session.scalars(sa.select(ConsentRecord).where(ConsentRecord.state == "given")).one()
    with pytest.raises(DBAPIError), unit_of_work():
        consent.record_withdrawn(given, {})


def test_a_consent_ends_once(letter: MailingList) -> None:
    with unit_of_work():
        db.session.execute(sa.text("UPDATE subscriptions SET state = 'ended'"))
        given = db.session.scalars(
            sa.select(ConsentRecord).where(ConsentRecord.state == "given")
        ).one()
        ended = consent.record_withdrawn(given, {})
    columns = "organisation_id, subject_id, matter, mailing_list_id, state, ends_id, algorithm, commitment, recorded_at"
    refused(
        f"INSERT INTO consent_records (public_id, {columns}) "
        f"SELECT 'rec_twice', {columns} FROM consent_records WHERE id = {ended.id}"
    )


@pytest.mark.requirement("T-050")
def test_the_evidence_of_a_person_goes_once_they_are_erased_and_the_records_stay(
    letter: MailingList,
) -> None:
    before = rows("consent_records")
    with unit_of_work():
        subject = db.session.scalars(sa.select(ConsentSubject)).one()
        consent.erase_subject(subject)
    assert rows("consent_payloads") == []
    assert rows("evidence_blobs") == []
    assert rows("consent_records") == before


def test_a_contact_keeps_its_person_in_the_ledger(letter: MailingList) -> None:
    with unit_of_work():
        stranger = consent.create_subject(get_organisation_by_id(letter.organisation_id))
    assert "subject" in refused(f"UPDATE contacts SET subject_id = {stranger.id}")
