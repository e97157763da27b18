"""What one record says about one person, and why it is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.foundation.errors import Invalid
from mailer.foundation.typed_addresses import read_typed_address
from mailer.imports.columns import propose, recognise
from mailer.imports.dates import DateOrder, read_date
from mailer.imports.row_reader import ReadRow, RowRules, protect, read_address, read_row, restore
from mailer.imports.states import Refusal, RowState

NOW = datetime(2026, 11, 25, tzinfo=UTC)
PROOF = {"source": "shop", "method": "form", "wording": "Yes", "has_evidence": True}


def rules(header: str, **more: object) -> RowRules:
    names = header.split(",")
    given = {
        "header": names,
        "targets": propose(names, recognise(names)),
        "date_order": DateOrder.DAY_FIRST,
        "now": NOW,
        **more,
    }
    return RowRules(**given)  # type: ignore[arg-type]  # a mixed dict


def row(header: str, *cells: str, **more: object) -> ReadRow:
    return read_row(rules(header, **more), list(cells))


def test_a_row_with_source_date_wording_method_and_evidence_is_proven(app: Flask) -> None:
    found = row("email,consent_date", "Cleo@Example.org", "2024-05-31", **PROOF)
    assert found.state is RowState.PROVEN
    assert found.given == "Cleo@example.org"
    assert found.proof["date"] == "2024-05-31T00:00:00Z"


@pytest.mark.requirement("C-049")
@pytest.mark.parametrize("missing", ["source", "method", "wording", "has_evidence", "date"])
def test_without_any_of_it_the_row_is_not_proven(app: Flask, missing: str) -> None:
    given = {**PROOF, "date": "2024-05-31", missing: ""}
    assert row("email", "cleo@example.org", **given).state is RowState.UNPROVEN


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2021-03-04 10:20:30", "2021-03-04T10:20:30+00:00"),
        ("2021-03-04 10:20:30.123456 +0100 CET", "2021-03-04T09:20:30+00:00"),
        ("2021-03-04 10:20:30.12 +0000 UTC", "2021-03-04T10:20:30+00:00"),
        ("2021-03-04T10:20:30Z", "2021-03-04T10:20:30+00:00"),
        ("04.03.2021 10:20", "2021-03-04T10:20:00+00:00"),
        ("04-03-2021", "2021-03-04T00:00:00+00:00"),
        ("04/03/2021", "2021-03-04T00:00:00+00:00"),
        ("1614852030", "2021-03-04T10:00:30+00:00"),
        ("31/31/2021", None),
        ("yesterday", None),
    ],
)
def test_dates_are_read_as_systems_write_them(written: str, expected: str | None) -> None:
    found = read_date(written, DateOrder.DAY_FIRST)
    assert (found.isoformat() if found else None) == expected


def test_a_slash_date_follows_the_choice() -> None:
    assert read_date("04/03/2021 1:05 PM", DateOrder.MONTH_FIRST) == datetime(
        2021, 4, 3, 13, 5, tzinfo=UTC
    )


def test_a_date_that_cannot_be_is_refused(app: Flask) -> None:
    for date in ("soon", "2999-01-01", "1901-01-01"):
        found = row("email,consent_date", "cleo@example.org", date, **PROOF)
        assert found.refusal is Refusal.DATE


@pytest.mark.requirement("C-083")
@pytest.mark.parametrize(
    ("header", "cells", "out"),
    [
        ("email,status", ("a@b.example", "unsubscribed"), "unsubscribed"),
        ("email,status", ("a@b.example", "Blocklisted"), "unsubscribed"),
        ("email,status", ("a@b.example", "cleaned"), "bounced"),
        ("email,status", ("a@b.example", "Junk"), "complained"),
        ("EMAIL,BLOCKLISTED,ADDED_TIME", ("a@b.example", "Yes", "01-02-2024"), "unsubscribed"),
        ("Email Address,UNSUB_TIME,LEID", ("a@b.example", "2024-01-01 00:00:00", "1"), "unsubscribed"),
        ("Email Address,CLEAN_TIME,LEID", ("a@b.example", "2024-01-01 00:00:00", "1"), "bounced"),
        ("email,registered,activated,deactivated", ("a@b.example", "2020-01-01", "2020-01-01", "2021-01-01"), "unsubscribed"),
        ("Subscriber,Subscribed,Opens,Unsubscribed", ("a@b.example", "2020-01-01", "1", "2021-01-01"), "unsubscribed"),
    ],
)  # fmt: skip
def test_whoever_opted_out_elsewhere_is_never_subscribed(
    app: Flask, header: str, cells: tuple[str, ...], out: str
) -> None:
    found = row(header, *cells, **PROOF, date="2024-05-31")
    assert (found.state, found.opt_out) == (RowState.OPTED_OUT, out)


def test_both_moments_and_networks_of_a_double_opt_in_elsewhere_are_kept(app: Flask) -> None:
    header = "Email Address,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,MEMBER_RATING,LEID,EUID"
    cells = (
        "ada@mc.example",
        "2023-05-01 09:00:00",
        "198.51.100.7",
        "2023-05-01 09:04:10",
        "198.51.100.9",
        *("2", "771", "ab12"),
    )
    found = row(header, *cells, **PROOF).proof
    assert (found["date"], found["ip"]) == ("2023-05-01T09:04:10Z", "198.51.100.9")
    assert (found["signed_up_at"], found["signup_ip"]) == ("2023-05-01T09:00:00Z", "198.51.100.7")
    once = row(header, "b@mc.example", "", "", *cells[3:], **PROOF).proof
    assert "signed_up_at" not in once


@pytest.mark.parametrize(
    ("written", "language"),
    [("Slovak", "sk"), ("sk_SK", "sk"), ("Slovenian", "sl"), ("cz", "cs"), ("uk", "uk"), ("?", "")],
)
def test_a_language_is_read_as_what_it_is(app: Flask, written: str, language: str) -> None:
    assert row("email,language", "a@b.example", written).language == language


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("email,status", ("a@b.example", "unconfirmed")),
        ("email,status", ("a@b.example", "disabled")),
        ("email,registered,activated", ("a@b.example", "2020-01-01", "0")),
        ("email,registered,activated", ("a@b.example", "2020-01-01", "")),
    ],
)
def test_whoever_never_confirmed_elsewhere_is_refused(
    app: Flask, header: str, cells: tuple[str, ...]
) -> None:
    found = row(header, *cells)
    assert found.refusal is Refusal.UNCONFIRMED
    assert found.detail == (cells[1] if len(cells) == 2 else "")


def test_a_status_nobody_knows_is_refused_and_named(app: Flask) -> None:
    found = row("email,status", "a@b.example", "vip")
    assert (found.refusal, found.detail) == (Refusal.VALUE, "status vip")


def test_ragged_rows_and_missing_addresses_are_told_apart(app: Flask) -> None:
    assert row("name,email", "Cleo").refusal is Refusal.RAGGED
    assert row("email", "a@b.example", "more").refusal is Refusal.RAGGED
    assert row("email,name", "", "Cleo").refusal is Refusal.ADDRESS_MISSING
    assert row("email", "a@b").refusal is Refusal.ADDRESS_INVALID
    assert row("email,name", "a@b.example").state is RowState.UNPROVEN


def test_attributes_become_fields(app: Flask) -> None:
    attributes = json.dumps({"City": "Köln", "score": 5, "nothing": None, "deep": {"a": 1}})
    found = row(
        "uuid,email,name,attributes,status", "u", "a@b.example", "Ada King", attributes, "enabled"
    )
    assert (found.first_name, found.last_name) == ("Ada", "King")
    assert found.fields == {"city": "Köln", "score": "5", "deep": '{"a": 1}'}


@pytest.mark.requirement("S-063")
@given(st.text(max_size=20))
def test_what_an_export_protects_an_import_restores(text: str) -> None:
    assert restore(protect(text)) == text or text.startswith("'")
    assert protect(text)[:1] not in tuple("=+-@\t\r\x00")


@pytest.mark.requirement("C-084")
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(
        st.emails(),
        st.text(max_size=30),
        st.from_regex(r"[A-Za-z0-9._+-]{1,8}@[A-Za-z0-9.-]{1,14}\.[a-z]{2,4}", fullmatch=True),
    )
)
def test_the_quick_way_to_read_an_address_says_what_the_full_one_says(
    app: Flask, text: str
) -> None:
    text = text.strip()
    try:
        expected = read_typed_address(text).address
    except Invalid:
        with pytest.raises(Invalid):
            read_address(text)
        return
    assert read_address(text).address == expected
