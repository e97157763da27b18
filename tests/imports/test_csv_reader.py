"""Any bytes are read as records or refused with their line; reading goes on where it was."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.imports.csv_reader import (
    LONGEST_RECORD,
    Dialect,
    Record,
    bom_length,
    detect,
    iter_lines,
)
from mailer.imports.states import Refusal

COMMA = Dialect("utf-8", ",")
CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=0, max_size=12
)


def read(body: bytes, dialect: Dialect = COMMA) -> list[Record]:
    return [record for record in iter_lines(BytesIO(body), dialect) if not record.is_empty]


def cells(body: bytes, dialect: Dialect = COMMA) -> list[list[str]]:
    return [record.cells for record in read(body, dialect)]


def test_records_come_with_the_line_they_begin_on() -> None:
    found = read(b'a,b\r\n"two\nlines",x\n\n\nlast,"say ""hi"""')
    assert [(one.line, one.cells) for one in found] == [
        (1, ["a", "b"]),
        (2, ["two\nlines", "x"]),
        (6, ["last", 'say "hi"']),
    ]


@pytest.mark.requirement("S-064")
@pytest.mark.parametrize(
    ("body", "encoding", "separator"),
    [
        ("e-mail;vorname\nzoë@example.org;Zoë".encode(), "utf-8", ";"),
        ("e-mail,vorname\nzoë@example.org,Zoë".encode("utf-8-sig"), "utf-8", ","),
        ("e-mail\tvorname\nzoë@example.org\tZoë".encode("utf-16"), "utf-16-le", "\t"),
        ("e-mail\tvorname\nzoe@example.org\tZoe".encode("utf-16-be"), "utf-16-be", "\t"),
        ("e-mail;vorname\nzoë@example.org;Zoë".encode("cp1252"), "cp1252", ";"),
        (b'"a;b",c\n1,2', "utf-8", ","),
    ],
)
def test_encoding_and_separator_are_found_out(body: bytes, encoding: str, separator: str) -> None:
    found = detect(body)
    assert found == Dialect(encoding, separator)
    start = bom_length(body)
    rows = [record.cells for record in read(body[start:], found)]
    assert all(len(row) == 2 for row in rows)
    assert not rows[0][0].startswith("\ufeff")


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    found = read(b'email,note\na@b.example,"open\nc@d.example,fine\ne@f.example,x"y\n')
    assert [(one.line, one.problem) for one in found] == [
        (1, None),
        (2, Refusal.UNREADABLE),
        (3, None),
        (4, None),
    ]
    assert found[3].cells == ["e@f.example", 'x"y']


def test_text_after_a_closing_quote_is_refused_and_not_guessed() -> None:
    assert [one.problem for one in read(b'"a"b,c\nd,e\n')] == [Refusal.UNREADABLE, None]


def test_nul_bytes_wrong_encodings_and_huge_fields_are_refused_with_their_line() -> None:
    huge = b"x" * (3 * LONGEST_RECORD)
    body = b"a,b\n\x00,b\n\xff\xfe,b\n" + huge + b",b\nlast,one\n"
    assert [(one.line, one.problem) for one in read(body)] == [
        (1, None),
        (2, Refusal.NUL),
        (3, Refusal.ENCODING),
        (4, Refusal.TOO_LONG),
        (5, None),
    ]


def test_any_end_of_line_will_do() -> None:
    assert cells(b"a,b\rc,d\re,f") == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert cells(b"a,b\r\nc,d\ne,f\r") == [["a", "b"], ["c", "d"], ["e", "f"]]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2_000), st.sampled_from(["utf-8", "cp1252", "utf-16-le", "utf-16-be"]))
def test_no_bytes_whatever_break_the_reading(body: bytes, encoding: str) -> None:
    found = read(body, Dialect(encoding, ","))
    for record in found:
        assert (record.problem is None) == bool(record.cells)
    assert [one.line for one in found] == sorted({one.line for one in found})
    if found:
        assert found[-1].next_offset <= len(body)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=8),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_of_csv_wrote_is_read_as_it_was(
    rows: list[list[str]], separator: str, encoding: str, end: str
) -> None:
    text = StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    body = text.getvalue().encode(encoding)
    assert cells(body, Dialect(encoding, separator)) == [row for row in rows if any(row)]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=1_500), st.sampled_from(["utf-8", "utf-16-le"]))
def test_reading_goes_on_at_any_record_as_if_it_had_never_stopped(
    body: bytes, encoding: str
) -> None:
    dialect = Dialect(encoding, ",")
    whole = read(body, dialect)
    for position, record in enumerate(whole):
        rest = iter_lines(
            BytesIO(body[record.next_offset :]),
            dialect,
            offset=record.next_offset,
            line=record.next_line,
        )
        assert [one for one in rest if not one.is_empty] == whole[position + 1 :]
