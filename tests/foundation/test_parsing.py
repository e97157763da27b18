from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer.foundation.errors import Invalid
from mailer.foundation.parsing import LONGEST_LINE, LONGEST_TEXT, Answers
from mailer.foundation.settings import Settings

DUBLIN = ZoneInfo("Europe/Dublin")


def test_good_answers_become_values(bare: Settings) -> None:
    answers = Answers(
        {
            "name": "  Cleo ",
            "note": "one\r\ntwo\rthree ",
            "address": "cleo@example.org",
            "role": "editor",
            "count": " 7 ",
            "agreed": "on",
            "site": "https://harbourbooks.example/a?b=c",
            "at": "2026-07-01T09:30",
        }
    )
    assert answers.line("name") == "Cleo"
    assert answers.text("note") == "one\ntwo\nthree"
    assert answers.address("address") == "cleo@example.org"
    assert answers.choice("role", ("owner", "editor")) == "editor"
    assert answers.whole("count", smallest=1, largest=9) == 7
    assert answers.is_ticked("agreed")
    assert not answers.is_ticked("other")
    assert answers.url("site") == "https://harbourbooks.example/a?b=c"
    at = answers.local_time("at", DUBLIN)
    assert at is not None
    assert at.astimezone(UTC) == datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
    answers.check()


def test_everything_wrong_is_said_at_once(bare: Settings) -> None:
    answers = Answers(
        {"address": "nobody", "count": "many", "role": "boss", "site": "javascript:1"}
    )
    answers.line("name", required=True)
    answers.address("address", required=True)
    answers.choice("role", ("owner",))
    answers.whole("count", smallest=1, largest=9)
    answers.url("site")
    answers.local_time("at", DUBLIN)
    answers.fail("extra", "Not this one.")
    with pytest.raises(Invalid) as caught:
        answers.check()
    fields = caught.value.fields
    assert set(fields) == {"name", "address", "role", "count", "site", "at", "extra"}
    assert all(message.endswith(".") for message in fields.values())


def test_the_first_message_of_a_field_stays(bare: Settings) -> None:
    answers = Answers({"address": "no\x00body"})
    answers.address("address", required=True)
    said = dict(answers.errors)
    answers.fail("address", "Another word.")
    assert answers.errors == said


@pytest.mark.requirement("T-003")
def test_text_is_stored_in_one_unicode_form() -> None:
    assert Answers({"name": "Zoe\u0308"}).line("name") == "Zo\u00eb"
    assert Answers({"name": "Zoe\u0308"}).text("name") == "Zo\u00eb"


@pytest.mark.parametrize("mark", "\r\n\t\x0b\x0c\x1b\x1c\x1d\x1e\x7f\x85\u2028\u2029\x00\ud800")
def test_one_line_holds_nothing_that_could_end_it(mark: str) -> None:
    answers = Answers({"subject": f"Hello{mark}Bcc: dora@example.org"})
    answers.line("subject")
    assert "subject" in answers.errors


@pytest.mark.parametrize("mark", "\x00\ud800\udfff")
def test_what_no_database_stores_is_refused_and_not_passed_on(mark: str) -> None:
    answers = Answers({"note": f"a{mark}b"})
    assert answers.text("note") == ""
    assert "note" in answers.errors


def test_lengths_are_counted_and_said() -> None:
    answers = Answers({"line": "a" * (LONGEST_LINE + 1), "text": "a" * (LONGEST_TEXT + 1)})
    answers.line("line")
    answers.text("text")
    assert "at most 200 characters; these are 201" in answers.errors["line"]
    assert "at most 20000 characters; these are 20001" in answers.errors["text"]
    assert not Answers({"line": "a" * LONGEST_LINE}).errors


@pytest.mark.parametrize(
    "text",
    ["0", "10", "", " ", "1.0", "1e0", "five", "--1", "9" * 6000, "0x1", "\u00b2", "1 2"],
)
def test_numbers_out_of_bounds_or_shape_are_refused(text: str) -> None:
    answers = Answers({"count": text})
    answers.whole("count", smallest=1, largest=9)
    assert answers.errors == {"count": "Please give a whole number from 1 to 9."}


def test_a_choice_is_one_of_those_given() -> None:
    answers = Answers({"role": "Owner", "optional": ""})
    answers.choice("role", ("owner",))
    answers.choice("optional", ("a",), required=False)
    answers.choice("missing", ("a",))
    assert set(answers.errors) == {"role", "missing"}


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//harbourbooks.example",
        "harbourbooks.example",
        "https://",
        "https:///path",
        "https://[::1",
        "https://harbour books.example",
        'https://harbourbooks.example/"onload=',
        "https://harbourbooks.example\\@evil.example",
        "https://harbourbooks.example/\r\nx: y",
        " https://" + "a" * 500 + ".example",
    ],
)
def test_only_web_addresses_are_taken(text: str) -> None:
    answers = Answers({"site": text})
    answers.url("site")
    assert "site" in answers.errors


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-02-30T09:00",
        "2026-11-30",
        "2026-11-30 09:00",
        "2026-11-30T09:00+05:00",
        "2026-11-30T09:00Z",
        "2026-W01-1",
        "20261130T0900",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "٢٠٢٦-11-30T09:00",
    ],
)
def test_a_local_time_has_one_form_and_no_zone_of_its_own(text: str) -> None:
    answers = Answers({"at": text})
    assert answers.local_time("at", DUBLIN) is None
    assert "at" in answers.errors


@given(st.text(), st.text())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_can_break_the_reader(bare: Settings, name: str, text: str) -> None:
    answers = Answers({name: text})
    answers.line(name)
    answers.text(name)
    answers.address(name)
    answers.choice(name, ("a",))
    answers.whole(name, smallest=0, largest=1)
    answers.url(name)
    answers.local_time(name, DUBLIN)
    for message in answers.errors.values():
        assert message.endswith(".")
