"""From quarantine into the house: imported consents, locked people, opt-outs, and who is left as they are."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailer import consent, contacts, imports, subscriptions
from mailer.app import create_app
from mailer.consent import ConsentRecord, ConsentState, ConsentSubject
from mailer.contacts import Contact
from mailer.foundation import context, keystore
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.imports import ImportState, RowState
from mailer.imports.importing import month_after
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.suppression import Reason, Scope, SuppressionEntry, find_blocking, suppress
from mailer.transactional import TransactionalMessage
from tests.conftest import settings_for
from tests.support.factories import make_list, make_organisation
from tests.support.making_imports import (
    EVIDENCE,
    PROVEN,
    WORDING,
    bring,
    bring_in,
    check,
    csv_of,
    refusals_of,
    rows_of,
    start,
)


def contact_of(organisation: Organisation, address: str) -> Contact | None:
    return contacts.find_by_address(organisation, parse_address(address))


def evidence_of(record: ConsentRecord) -> dict[str, str]:
    payload = consent.read_payload(record)
    assert payload is not None
    imported: dict[str, str] = payload["evidence"]["imported"]
    return imported


def count(model: type[object]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


@pytest.mark.requirement("C-049")
def test_a_row_with_proof_becomes_an_imported_consent_that_says_where_it_came_from(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    found = bring_in(mailing_list, csv_of("Cleo@example.org,Cleo Marsh"))
    contact = contact_of(organisation, "cleo@example.org")
    assert contact is not None
    assert (contact.first_name, contact.last_name) == ("Cleo", "Marsh")
    assert subscriptions.is_active(contact, mailing_list)
    (record,) = db.session.scalars(sa.select(ConsentRecord))
    assert record.state is ConsentState.GIVEN
    told = evidence_of(record)
    assert told["leg"] == "import"
    assert told["source"] == PROVEN["source"]
    assert told["method"] == PROVEN["method"]
    assert told["consented_at"] == "2024-05-31T00:00:00Z"
    assert told["importer"] == "Ada (ada@books.example)"
    assert told["import"] == found.public_id
    assert told["address"] == "Cleo@example.org"
    assert WORDING.encode() in consent.get_text(told["wording_sha256"]).body
    keeper = consent.get_subject(found.evidence_subject_id or 0)
    assert consent.get_blob(keeper, told["evidence_sha256"]) == EVIDENCE.body
    salt, canonical = consent.open_payload(record) or (b"", b"")
    assert consent.commitment(salt, canonical) == record.commitment


@pytest.mark.requirement("C-029")
def test_quarantine_makes_nobody_a_contact_and_mails_nobody(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    found = check(bring(mailing_list, csv_of("a@b.example,A", "c@d.example,C")))
    assert found.state is ImportState.CHECKED
    assert found.counts == {"unproven": 2}
    for model in (Contact, Subscription, ConsentRecord, TransactionalMessage):
        assert count(model) == 0
    assert subscriptions.count_subscribers(organisation) == 0
    file = context.settings().data_directory / "imports" / f"{found.public_id}.sealed"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"b.example" not in file.read_bytes()


@pytest.mark.requirement("R-007")
@pytest.mark.requirement("C-029")
def test_a_row_without_proof_is_recorded_as_unknown_and_locked(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    found = bring_in(mailing_list, csv_of("cleo@example.org,Cleo"), is_proven=False)
    (row,) = rows_of(found)
    assert row.state is RowState.LOCKED
    (record,) = db.session.scalars(sa.select(ConsentRecord))
    assert record.state is ConsentState.UNKNOWN
    assert contact_of(organisation, "cleo@example.org") is None
    assert count(Subscription) == 0
    assert count(TransactionalMessage) == 0
    with pytest.raises(sa.exc.DBAPIError), unit_of_work() as session:
        contact = contacts.get_or_create(
            organisation,
            contacts.ContactDraft(address=parse_address("cleo@example.org")),
            db.session.get_one(ConsentSubject, record.subject_id),
        )
        subscriptions.activate(contact, mailing_list, record)
        session.flush()


def test_the_file_is_gone_once_the_import_is_done(mailing_list: MailingList) -> None:
    found = bring_in(mailing_list, csv_of("cleo@example.org,Cleo"))
    directory = context.settings().data_directory / "imports"
    assert found.sealed_key is None
    assert list(directory.iterdir()) == []
    assert rows_of(found)[0].address is None


def test_addresses_in_dresses_are_read_and_each_correction_is_told(
    mailing_list: MailingList,
) -> None:
    dressed = [
        "Anna <anna@sea.example>",
        "mailto:ben@sea.example",
        "cleo@sea.example;",
        "\u201cdora@sea.example\u201d",
        "eva@sea.example%20",
        "finn\uff20sea.example",
        "gus@sea.example",
        "straße@sea.example",
        "strasse@sea.example",
        "hal@sea\u202e.example",
    ]
    found = check(bring(mailing_list, csv_of(*(f"{one},X" for one in dressed))))
    names = [(row.address or "").partition("@")[0] for row in rows_of(found)]
    assert names[:9] == ["anna", "ben", "cleo", "dora", "eva", "finn", "gus", "straße", "strasse"]
    assert list(refusals_of(found).values()) == ["address_invalid"]
    corrected = {row.line: row.reason for row in imports.list_corrected(found, limit=50)}
    assert len(corrected) == 6
    assert "the name beside the address was left out" in corrected[min(corrected)]
    told = "".join(imports.iter_refused_csv(found))
    assert told.count("The address was read with a correction") == 6
    assert "There is a hidden character after “@sea”" in told


@pytest.mark.requirement("C-084")
def test_the_same_address_counts_once_whichever_way_it_is_written(
    mailing_list: MailingList,
) -> None:
    body = csv_of("Cleo@Example.ORG,First", "x@y.example,X", "cleo@example.org,Second")
    found = check(bring(mailing_list, body))
    assert refusals_of(found) == {4: "duplicate"}
    assert rows_of(found)[2].detail == "line 2"


@pytest.mark.requirement("C-083")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_opt_out_counts_wherever_in_the_file_it_stands(
    organisation: Organisation, mailing_list: MailingList, order: tuple[int, int]
) -> None:
    both = ("cleo@example.org,subscribed", "CLEO@example.org,unsubscribed")
    body = csv_of(*(both[index] for index in order), header="email,status")
    found = bring(mailing_list, body)
    check(found, evidence=EVIDENCE, **PROVEN)
    found = start(found)
    assert found.counts.get("imported", 0) == 0
    assert contact_of(organisation, "cleo@example.org") is None
    digest = parse_address("cleo@example.org").digest
    assert find_blocking(organisation, digest, scope=Scope.MARKETING) is not None


@pytest.mark.requirement("C-082")
@pytest.mark.requirement("C-083")
@pytest.mark.parametrize("reason", list(Reason))
def test_an_import_lifts_no_suppression_whatever_its_reason(
    organisation: Organisation, mailing_list: MailingList, reason: Reason
) -> None:
    digest = parse_address("cleo@example.org").digest
    for scope in (Scope.MARKETING, Scope.ALL_MAIL):
        with unit_of_work():
            suppress(organisation, digest, scope=scope, reason=reason)
    found = check(bring(mailing_list, csv_of("CLEO@example.org,Cleo")), evidence=EVIDENCE, **PROVEN)
    expected = "erased" if reason is Reason.ERASURE else "suppressed"
    assert refusals_of(found) == {2: expected}
    with pytest.raises(NotAllowed), unit_of_work():
        imports.start(found)


@pytest.mark.requirement("C-083")
def test_an_import_brings_nobody_back_who_left_or_left_the_box_unticked(
    organisation: Organisation, mailing_list: MailingList, confirm: Callable[..., Contact]
) -> None:
    other = make_list(organisation, name="Offers")
    left = confirm("left@example.org")
    with unit_of_work():
        subscriptions.unsubscribe(left, mailing_list, {"method": "button"})
    confirm("unticked@example.org", other, unticked=(mailing_list,))
    body = csv_of("left@example.org,L", "unticked@example.org,U")
    found = check(bring(mailing_list, body), evidence=EVIDENCE, **PROVEN)
    assert refusals_of(found) == {2: "ended", 3: "ended"}


@pytest.mark.requirement("C-083")
def test_an_opt_out_between_the_dry_run_and_the_import_counts(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    body = csv_of("cleo@example.org,Cleo", "eve@example.org,Eve")
    found = check(bring(mailing_list, body), evidence=EVIDENCE, **PROVEN)
    with unit_of_work():
        digest = parse_address("cleo@example.org").digest
        suppress(organisation, digest, scope=Scope.MARKETING, reason=Reason.OBJECTION)
    found = start(found)
    assert found.counts == {"imported": 1, "refused": 1, "refused.suppressed": 1}


def test_people_who_are_subscribed_already_keep_everything(
    organisation: Organisation, mailing_list: MailingList, confirm: Callable[..., Contact]
) -> None:
    contact = confirm("cleo@example.org")
    proof = subscriptions.list_of(contact)[0][0].proof_id
    body = csv_of("cleo@example.org,Someone Else", "new@example.org,New")
    found = bring_in(mailing_list, body)
    assert found.counts == {"known": 1, "imported": 1}
    db.session.refresh(contact)
    assert contact.first_name == "Cleo"
    assert subscriptions.list_of(contact)[0][0].proof_id == proof


def test_what_people_told_us_is_never_overwritten_and_gaps_are_filled(
    organisation: Organisation, mailing_list: MailingList, confirm: Callable[..., Contact]
) -> None:
    other = make_list(organisation, name="Offers")
    contact = confirm("cleo@example.org")
    bring_in(other, csv_of("cleo@example.org,Other Marsh"))
    db.session.refresh(contact)
    assert (contact.first_name, contact.last_name) == ("Cleo", "Marsh")
    assert subscriptions.is_active(contact, other)


def test_an_opt_out_in_the_file_is_entered_with_its_reason_and_date(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    body = csv_of(
        "a@example.org,,2024-01-02 03:04:05,,1",
        "b@example.org,,,2024-01-02 03:04:05,2",
        header="Email Address,First Name,UNSUB_TIME,CLEAN_TIME,LEID",
    )
    found = bring_in(mailing_list, body)
    assert found.counts == {"suppressed": 2}
    entries = list(db.session.scalars(sa.select(SuppressionEntry).order_by(SuppressionEntry.id)))
    assert [one.reason for one in entries] == [Reason.UNSUBSCRIBED, Reason.BOUNCE]
    assert entries[0].created_at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_an_undated_opt_out_does_not_overrule_who_confirmed_here(
    mailing_list: MailingList, confirm: Callable[..., Contact]
) -> None:
    confirm("cleo@example.org")
    body = csv_of("cleo@example.org,unsubscribed", header="email,status")
    found = check(bring(mailing_list, body))
    assert refusals_of(found) == {2: "opted_out_known"}


@pytest.mark.requirement("C-055")
def test_the_day_by_which_people_must_be_informed_is_a_month_later(
    mailing_list: MailingList,
) -> None:
    found = bring_in(mailing_list, csv_of("cleo@example.org,Cleo"))
    assert found.imported_at is not None
    assert found.inform_by == month_after(found.imported_at)
    assert month_after(datetime(2027, 1, 31, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)
    assert month_after(datetime(2026, 12, 5, tzinfo=UTC)) == datetime(2027, 1, 5, tzinfo=UTC)


@pytest.mark.requirement("S-064")
def test_a_file_with_too_many_rows_or_bytes_says_so_and_imports_nobody(
    tmp_path: Path, database_url: str
) -> None:
    settings = settings_for(
        tmp_path,
        MAILER_DATABASE_URL=database_url,
        MAILER_IMPORT_ROWS="1",
        MAILER_IMPORT_MEGABYTES="1",
    )
    with create_app(settings).app_context():
        mailing_list = make_list(make_organisation())
        found = check(bring(mailing_list, csv_of("a@b.example,A", "c@d.example,C")))
        assert "more than 1 rows" in found.failure
        with pytest.raises(NotAllowed, match="more than 1 rows"), unit_of_work():
            imports.start(found)
        with pytest.raises(Invalid, match="larger than 1 MB"):
            bring(mailing_list, b"email\n" + b"x" * 1_100_000)
        assert len(list((tmp_path / "imports").iterdir())) == 1
        db.session.remove()
        db.engine.dispose()
        keystore.dispose()


@pytest.mark.requirement("C-049")
def test_twenty_thousand_rows_are_each_brought_in_once(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    rows = (f"person{number}@shop{number % 50}.example.org,Pat" for number in range(20_000))
    found = bring_in(mailing_list, csv_of(*rows))
    assert found.counts == {"imported": 20_000}
    assert count(Contact) == count(ConsentRecord) == 20_000
    active = sa.select(sa.func.count()).where(Subscription.state == SubscriptionState.ACTIVE)
    assert db.session.scalar(active) == 20_000
    newest = db.session.scalars(sa.select(ConsentRecord).order_by(ConsentRecord.id.desc())).first()
    assert newest is not None
    assert evidence_of(newest)["address"].startswith("person")
