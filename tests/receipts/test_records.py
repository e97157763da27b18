"""The consent record: every field of Annex A, filled from what is really held."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer import receipts, transparency
from mailer.consent import (
    ALLOWS_SENDING,
    DPV_TERMS,
    ORIGIN_WORDS,
    ConsentRecord,
    ConsentState,
    Matter,
    Origin,
    TimelineEntry,
)
from mailer.contacts import Contact
from mailer.foundation.database import db, unit_of_work
from mailer.organisations import Organisation
from mailer.receipts.gathering import Answer, LogView, NoticeSeen, Surroundings
from mailer.receipts.issuing import write_receipt
from mailer.receipts.readable import tell_as_text
from mailer.receipts.records import write_record
from mailer.receipts.sealing import sign_document
from mailer.receipts.vocabulary import RECORD_SCHEMA
from mailer.transparency import LogTimestamp
from tests.receipts.vocabulary import OWN_LIST, WHOLE_LIST, faults, known_terms, words_in
from tests.support.make_consents import Cleo, sign_log

ANNEX_A = [
    "dpv:hasPurpose",
    "dpv:hasLegalBasis",
    "dpv:hasPersonalData",
    "dpv:hasDataController",
    "dpv:hasDataSource",
    "dpv:hasProcessing",
    "dpv:hasStorageCondition",
    "dpv:hasLocation",
    "dpv:hasRule",
    "dpv:hasService",
    "dpv:hasJurisdiction",
    "dpv:hasRecipient",
    "dpv:hasConsentControl",
    "dpv:hasRight",
    "dpv:hasAuthority",
]


def record_of(cleo: Cleo, topic: str | None = None) -> dict[str, Any]:
    db.session.rollback()
    thread = receipts.get_thread(cleo.contact, topic or cleo.letter.public_id)
    return receipts.compose_record(thread)


@pytest.mark.requirement("R-001")
@pytest.mark.requirement("R-002")
@pytest.mark.requirement("R-003")
def test_the_record_of_a_confirmed_person_has_every_field(cleo: Cleo) -> None:
    record = record_of(cleo)
    assert faults("record", record) == []
    assert record["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
    (process,) = record["dpv:hasProcess"]
    assert [name for name in ANNEX_A if not process.get(name)] == []
    assert process["dpv:hasPurpose"] == [
        {"@type": "dpv:DirectMarketing", "dct:description": "We tell you about new books."}
    ]
    controller = record["dpv:hasEntity"][0]
    assert controller["dpv:hasName"] == "Harbour Books Ltd"
    assert controller["dpv:hasAddress"] == "12 Custom House Quay, D01 KF84 Dublin, Ireland"
    assert controller["@id"] == process["dpv:hasDataController"][0]["@id"]
    assert process["dpv:hasJurisdiction"] == ["loc:IE", "loc:EU"]
    assert process["dpv:hasRecipient"][1]["dct:description"] == "Mail Relay Ltd carries our mail."


@pytest.mark.requirement("R-004")
def test_what_comes_more_than_once_stands_in_arrays(cleo: Cleo) -> None:
    text = receipts.file_of(record_of(cleo))
    pairs: list[list[str]] = []
    json.loads(text, object_pairs_hook=lambda found: pairs.append([name for name, _ in found]))
    assert pairs
    assert all(len(names) == len(set(names)) for names in pairs)
    assert b'"eu-gdpr:GDPR"' not in text
    for name in ("dpv:hasProcess", "dpv:hasNotice", "dpv:hasConsentStatus"):
        assert isinstance(record_of(cleo)[name], list)


@pytest.mark.requirement("R-005")
def test_neither_address_nor_name_nor_network_stands_in_it(cleo: Cleo) -> None:
    text = receipts.file_of(
        receipts.issue(receipts.get_thread(cleo.contact, cleo.letter.public_id))
    )
    for personal in (b"cleo", b"Cleo", b"127.0.0", b"example.org", b"Werkzeug"):
        assert personal not in text
    assert b'"urn:x-subject:sub_' in text


@pytest.mark.requirement("R-006")
@pytest.mark.requirement("R-008")
def test_a_double_opt_in_is_two_events_and_the_second_made_it_valid(cleo: Cleo) -> None:
    record = record_of(cleo)
    asked, confirmed = record["dpv:hasConsentStatus"]
    assert asked["@type"] == ["dpv:ConsentRequested"]
    assert "not verified yet" in asked["dpv:hasIndicationMethod"]
    assert asked["dpv:hasDuration"] == {"@type": "dpv:TemporalDuration", "rdf:value": "P7D"}
    assert confirmed["@type"] == ["dpv:ConsentGiven", "dpv:ExpressedConsent"]
    assert confirmed["dpv:hasIndicationMethod"].startswith("Double opt-in")
    assert confirmed["x:follows"] == asked["x:recordId"]
    assert record["x:madeValidBy"] == confirmed["x:recordId"] == cleo.given().public_id
    mail = confirmed["x:confirmationMail"]
    assert mail["x:replyCode"] == "250"
    for event in (asked, confirmed):
        moment = datetime.fromisoformat(event["dpv:isIndicatedAtTime"])
        assert moment.utcoffset() == timedelta(0)
        assert event["dpv:isIndicatedBy"] == "dpv:DataSubject"


@pytest.mark.requirement("R-007")
def test_leaving_a_list_and_a_box_left_empty_are_told_as_they_were(cleo: Cleo) -> None:
    cleo.leave(cleo.letter)
    cleo.join(cleo.offers)
    told = [event["@type"][0] for event in record_of(cleo)["dpv:hasConsentStatus"]]
    assert told == ["dpv:ConsentRequested", "dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    told = [
        event["@type"][0]
        for event in record_of(cleo, cleo.offers.public_id)["dpv:hasConsentStatus"]
    ]
    assert told == ["dpv:ConsentRefused", "dpv:ConsentGiven"]
    assert record_of(cleo, receipts.TRACKING_TOPIC)["dpv:hasProcess"][0]["dpv:hasPurpose"][0][
        "@type"
    ] == ("dpv:ServiceUsageAnalytics")


@pytest.mark.requirement("R-009")
def test_no_duration_is_endless(cleo: Cleo) -> None:
    text = receipts.file_of(record_of(cleo)).decode()
    assert "EndlessDuration" not in text
    (process,) = record_of(cleo)["dpv:hasProcess"]
    until, kept = [part["dpv:hasDuration"] for part in process["dpv:hasStorageCondition"][1:]]
    assert until["@type"] == "dpv:UntilEventDuration"
    assert kept == {"@type": "dpv:TemporalDuration", "rdf:value": "P36M"}


def test_the_list_is_told_as_it_was_when_it_was_joined(cleo: Cleo) -> None:
    with unit_of_work():
        cleo.letter.frequency = "every day"
        cleo.letter.name = "Daily shout"
    record = record_of(cleo)
    assert record["dct:title"] == "Monthly letter"
    service = record["dpv:hasProcess"][0]["dpv:hasService"][0]
    assert "once a month" in service["dct:description"]


def test_places_are_those_of_the_setting_and_else_are_not_stated(cleo: Cleo) -> None:
    (process,) = record_of(cleo)["dpv:hasProcess"]
    assert process["dpv:hasLocation"] == [
        {"@type": "dpv:Location", "dct:description": "Not stated"}
    ]
    around = replace_countries(("IE", "DE"))
    told = write_record(thread_of([ConsentState.GIVEN]), around)
    assert told["dpv:hasProcess"][0]["dpv:hasLocation"] == ["loc:IE", "loc:DE"]


@pytest.mark.requirement("T-034")
def test_each_event_has_its_commitment_and_its_place_in_the_log(cleo: Cleo) -> None:
    before = [event["x:logState"] for event in record_of(cleo)["dpv:hasConsentStatus"]]
    assert before == ["not yet anchored", "not yet anchored"]
    sign_log()
    event = record_of(cleo)["dpv:hasConsentStatus"][1]
    assert event["x:logState"] == "anchored"
    assert event["x:commitment"] == cleo.given().commitment.hex()
    assert isinstance(event["x:logIndex"], int)


@pytest.mark.requirement("C-049")
@pytest.mark.parametrize("state", [ConsentState.GIVEN, ConsentState.UNKNOWN])
def test_what_was_imported_is_not_told_as_confirmed_here(
    one_app: Flask, state: ConsentState
) -> None:
    entry = entry_of(0, state)
    brought = {
        "consented_at": "2024-03-01T00:00:00.000Z",
        "evidence_sha256": "ab" * 32,
        "source": "desk, Cleo wrote it herself",
    }
    imported = TimelineEntry(entry.record, {"evidence": {"imported": brought}})
    record = write_record(replace(thread_of([state]), entries=(imported,)), replace_countries(()))
    assert faults("record", record) == []
    (event,) = record["dpv:hasConsentStatus"]
    is_given = state is ConsentState.GIVEN
    origin = Origin.ELSEWHERE if is_given else Origin.UNPROVEN
    assert event["dpv:hasIndicationMethod"] == ORIGIN_WORDS[origin].told[0]
    assert ("2024-03-01" in event["dpv:isIndicatedAtTime"]) is is_given
    assert event["dpv:isIndicatedBy"] == "dpv:DataController"
    assert record["dpv:hasProcess"][0]["dpv:hasDataSource"] == ["dpv:DataControllerDataSource"]
    assert "Cleo" not in json.dumps(record)


@pytest.mark.requirement("T-034")
def test_a_receipt_holds_the_checkpoint_that_others_have_seen(cleo: Cleo) -> None:
    sign_log()
    seen = transparency.find_latest_checkpoint()
    assert seen is not None
    with unit_of_work():
        stamp = LogTimestamp(
            checkpoint_id=seen.id,
            authority="tsa.example",
            token=b"t",
            gen_time=BEGINNING,
            expires_at=BEGINNING,
        )
        db.session.add(stamp)
    cleo.join(cleo.offers)
    newer = sign_log()
    letter = receipts.issue(receipts.get_thread(cleo.contact, cleo.letter.public_id))
    offers = receipts.issue(receipts.get_thread(cleo.contact, cleo.offers.public_id))
    assert letter["x:log"]["x:size"] == seen.size
    assert letter["x:log"]["x:timeStamps"][0].startswith("tsa.example 20")
    assert any("tsa.example" in part for part in tell_as_text(letter))
    assert offers["x:log"]["x:size"] == newer
    assert any("asserted by the operator only" in part for part in tell_as_text(offers))
    assert faults("receipt", letter) == faults("receipt", offers) == []


def test_our_own_list_of_terms_is_part_of_the_whole(cleo: Cleo) -> None:
    own = words_in(OWN_LIST)
    assert len(own) > 1_900
    whole = words_in(WHOLE_LIST) if WHOLE_LIST.is_file() else own
    assert own <= whole


def test_a_word_that_is_not_of_the_vocabulary_is_found(cleo: Cleo) -> None:
    record = record_of(cleo)
    assert "dpv:hasProcess" in known_terms()
    (process,) = record["dpv:hasProcess"]
    process["dpv:hasApplicableLaw"] = ["eu-gdpr:GDPR"]
    process["dpv:hasPurpose"][0]["@type"] = "dpv:EmailMarketing"
    assert {"eu-gdpr:GDPR", "dpv:EmailMarketing"} <= set(faults("record", record))


BEGINNING = datetime(2026, 11, 23, 10, tzinfo=UTC)
ORGANISATION = Organisation(
    public_id="org_A",
    name="Harbour Books",
    legal_name="",
    street="",
    postcode="",
    city="",
    country="",
    register_entry="",
    contact_email="",
    phone="",
    website="",
    dpo_name="",
    dpo_contact="",
    representative="",
    authority_name="",
    authority_url="",
    recipients="",
    transfers="",
)
CONTACT = Contact(public_id="con_A", first_name="", last_name="", fields={})
STATES = st.lists(st.sampled_from(ConsentState), min_size=1, max_size=8)


def entry_of(number: int, state: ConsentState, *, has_payload: bool = True) -> TimelineEntry:
    record = ConsentRecord(
        id=number,
        public_id=f"rec_{number}",
        state=state,
        matter=Matter.MAILING,
        algorithm="sha256-salted-jcs-v1",
        commitment=bytes([number]) * 32,
        recorded_at=BEGINNING + timedelta(hours=number),
    )
    payload = {"evidence": {"method": "button"}} if has_payload else None
    return TimelineEntry(record, payload)


def thread_of(states: list[ConsentState], **changes: Any) -> receipts.Thread:
    topic = receipts.Topic(
        id="lst_A",
        matter=changes.get("matter", Matter.MAILING),
        name="Letter",
        sentence="We write.",
        retention_months=changes.get("months"),
    )
    has_payload = changes.get("has_payload", True)
    entries = [
        entry_of(number, state, has_payload=has_payload) for number, state in enumerate(states)
    ]
    return receipts.Thread(
        contact=CONTACT,
        organisation=ORGANISATION,
        subject_id="sub_A",
        topic=topic,
        entries=tuple(entries),
    )


def replace_countries(countries: tuple[str, ...], size: int = 0, **more: Any) -> Surroundings:
    note = "o\n1\nx\n\n— o AAAA\n" if size else ""
    log = LogView(
        origin="o", size=size, root="A" * 43 + "=", note=note, signed_at="2026-11-23T10:00:00.000Z"
    )
    return Surroundings(
        public_url="https://m.example",
        withdrawal_url="https://m.example/o/org_1",
        log=log,
        storage_countries=countries,
        answers=(Answer(term="pd:EmailAddress", title="E-mail address", is_required=True),),
        **more,
    )


SEEN = NoticeSeen(
    url="https://m.example/notice/org_A/1",
    number=1,
    published_on="2026-11-23T09:00:00.000Z",
    language="en",
    sha256="0" * 64,
)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[list[ConsentState], receipts.Thread, Surroundings]:
    """States in any order, with more or less known around them."""
    states = draw(STATES)
    thread = thread_of(
        states,
        matter=draw(st.sampled_from(Matter)),
        months=draw(st.none() | st.integers(1, 240)),
        has_payload=draw(st.booleans()),
    )
    names = st.sampled_from([f"rec_{number}" for number in range(8)])
    around = replace_countries(
        draw(st.sampled_from([(), ("IE",), ("GB", "DE")])),
        draw(st.integers(0, 9)),
        current_notice=draw(st.none() | st.just(SEEN)),
        positions=draw(st.dictionaries(names, st.integers(0, 9))),
    )
    return states, thread, around


@pytest.mark.requirement("R-001")
@pytest.mark.requirement("R-002")
@pytest.mark.requirement("R-007")
@pytest.mark.requirement("R-012")
@given(case=drawn())
@hypothesis_settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_run_of_states_gives_valid_documents(
    one_app: Flask, case: tuple[list[ConsentState], receipts.Thread, Surroundings]
) -> None:
    states, thread, around = case
    record = write_record(thread, around)
    assert record["dct:conformsTo"] == RECORD_SCHEMA
    assert faults("record", record) == []
    told = [event["@type"][0] for event in record["dpv:hasConsentStatus"]]
    assert told == [DPV_TERMS[state] for state in states]
    assert ("x:madeValidBy" in record) == any(state in ALLOWS_SENDING for state in states)
    number = "3b1f7c1e-5d0a-4f5e-9a51-0b7d6f2f9c11"
    receipt = sign_document(write_receipt(thread, around, number=number, at=record["dct:created"]))
    assert faults("receipt", receipt) == []
    assert receipt["dpv:hasIdentifier"] == number
    assert tell_as_text(receipt)
