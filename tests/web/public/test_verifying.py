"""The page that checks a receipt for everybody: genuine or not, standing or not, and no way to break it."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mailer import receipts, signup
from mailer.foundation.database import db, unit_of_work
from mailer.receipts import LARGEST
from mailer.signup import DisputeLink
from mailer.transparency import LogCheckpoint
from tests.support.filling_in import the_request
from tests.support.make_consents import Cleo, erase, make_cleo, sign_log

GENUINE, ALTERED, FOREIGN = "exactly as this service signed it", "Altered", "Not from here"
Path = tuple[str | int, ...]


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def issue(cleo: Cleo, topic: str | None = None) -> dict[str, Any]:
    db.session.rollback()
    return receipts.issue(receipts.get_thread(cleo.contact, topic or cleo.letter.public_id))


def check(client: FlaskClient, document: Any) -> TestResponse:
    text = document if isinstance(document, str) else json.dumps(document)
    return client.post("/receipts/verify", data={"text": text})


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The way to every value that holds no others."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path


def holder(document: Any, path: Path) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


def changed(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        # The last sign, for bits that base64 has over at its end too.
        return value[:-1] + ("B" if value.endswith("A") else "A")
    return [*value, "more"]


@pytest.mark.requirement("T-034")
def test_a_genuine_receipt_is_known_as_such_pasted_or_as_a_file(
    client: FlaskClient, cleo: Cleo
) -> None:
    assert client.get("/receipts/verify").status_code == 200
    document = issue(cleo)
    for answer in (check(client, document), check(client, json.dumps(document, indent=4))):
        assert answer.status_code == 200
        assert GENUINE in answer.text
        assert "The consent has not been withdrawn." in answer.text
    file = (io.BytesIO(receipts.file_of(document)), "receipt.json")
    answer = client.post("/receipts/verify", data={"file": file})
    assert GENUINE in answer.text


def test_whether_it_still_stands_is_told_with_the_time_and_nothing_personal(
    client: FlaskClient, cleo: Cleo
) -> None:
    document = issue(cleo)
    cleo.leave(cleo.letter)
    answer = check(client, document)
    assert GENUINE in answer.text
    assert "The consent was withdrawn." in answer.text
    ended = receipts.get_thread(cleo.contact, cleo.letter.public_id).newest.record.recorded_at
    assert ended.isoformat() in answer.text
    cleo.join(cleo.letter)
    assert "The consent has not been withdrawn." in check(client, document).text
    for personal in ("cleo@example.org", "Cleo", cleo.contact.public_id, "127.0.0"):
        assert personal not in answer.text


@pytest.mark.requirement("C-032")
def test_a_disputed_consent_no_longer_stands(client: FlaskClient, cleo: Cleo) -> None:
    document = issue(cleo)
    with unit_of_work():
        request = the_request()
        signup.dispute(DisputeLink(request, request.address_digest), {"method": "not me"})
    assert "disputed by the person" in check(client, document).text


def test_what_was_erased_no_longer_stands(client: FlaskClient, cleo: Cleo) -> None:
    document = issue(cleo)
    erase(cleo)
    answer = check(client, document)
    assert GENUINE in answer.text
    assert "The evidence was erased." in answer.text


def test_a_receipt_of_a_refusal_says_that_nothing_was_given(
    client: FlaskClient, cleo: Cleo
) -> None:
    answer = check(client, issue(cleo, cleo.offers.public_id))
    assert "tells of no consent that was given" in answer.text


@pytest.mark.requirement("T-034")
def test_the_checkpoint_is_held_against_the_log(client: FlaskClient, cleo: Cleo) -> None:
    assert "not yet anchored" in check(client, issue(cleo)).text
    sign_log()
    document = issue(cleo)
    cleo.leave(cleo.letter)
    sign_log()
    answer = check(client, document)
    assert "stand in the log, below the checkpoint" in answer.text


@pytest.mark.requirement("T-034")
def test_a_log_that_does_not_lead_to_the_checkpoint_is_told_of(
    client: FlaskClient, cleo: Cleo
) -> None:
    size = sign_log()
    other = LogCheckpoint(
        size=size,
        root=b"\1" * 32,
        note="x\n1\ny\n\n— x AAAAAAAA\n",
        signed_at=cleo.given().recorded_at,
    )
    with unit_of_work():
        db.session.add(other)
    document = issue(cleo)
    assert document["x:log"]["x:rootHash"] == "AQEB" * 10 + "AQE="
    answer = check(client, document)
    assert GENUINE in answer.text
    assert "does not lead to the checkpoint" in answer.text


@pytest.mark.requirement("T-034")
def test_every_field_that_is_changed_left_out_or_added_is_found(
    client: FlaskClient, cleo: Cleo
) -> None:
    sign_log()
    document = issue(cleo)
    paths = list(leaves(document))
    assert len(paths) > 150
    for path in paths:
        for change in ("changed", "left out", "doubled"):
            other = copy.deepcopy(document)
            place, name = holder(other, path), path[-1]
            if change == "changed":
                place[name] = changed(place[name])
            elif change == "left out":
                del place[name]
            elif isinstance(place, dict):
                place[f"{name}2"] = place[name]
            else:
                place.append(place[name])
            answer = check(client, other)
            assert GENUINE not in answer.text, (path, change)
            assert answer.status_code in (200, 422)
            if path[0] != "x:signature":
                assert ALTERED in answer.text
                part = path[0] if len(path) > 1 or change != "doubled" else f"{path[0]}2"
                assert f"<code>{part}</code>" in answer.text


@pytest.mark.requirement("T-034")
def test_a_flipped_bit_anywhere_in_the_file_is_found(client: FlaskClient, cleo: Cleo) -> None:
    body = receipts.file_of(issue(cleo)).strip()
    passed = []
    for place in range(0, len(body), 7):
        other = bytearray(body)
        other[place] ^= 1 << place % 8
        file = (io.BytesIO(bytes(other)), "receipt.json")
        answer = client.post("/receipts/verify", data={"file": file})
        if GENUINE in answer.text or answer.status_code >= 500:
            passed.append(place)
    assert passed == []


@pytest.mark.requirement("T-050")
def test_a_closing_receipt_is_known_too(client: FlaskClient, cleo: Cleo) -> None:
    closing = {
        "schema": "mailer.closing/1",
        "erasure": "era_1",
        "erased_at": "2026-11-25T02:39:11.759Z",
    }
    document = receipts.sign_document(closing)
    answer = check(client, document)
    assert "closing receipt of an erasure is exactly as this service signed it" in answer.text
    assert "era_1" in answer.text
    assert ALTERED in check(client, {**document, "erasure": "era_2"}).text


def test_a_receipt_of_another_service_is_not_from_here(client: FlaskClient, cleo: Cleo) -> None:
    document = issue(cleo)
    document["x:signature"]["x:keyId"] = "0" * 16
    assert FOREIGN in check(client, document).text


HOSTILE: dict[str, str | bytes] = {
    "nothing": "",
    "blanks": "  \n ",
    "no JSON": "hello",
    "half a receipt": '{"@context": {',
    "a list": "[1]",
    "a word": '"x"',
    "null": "null",
    "no signature": "{}",
    "a signature that is none": '{"x:signature": "x", "signature": 1}',
    "two signatures": '{"x:signature": {}, "signature": {}}',
    "double names": '{"a": 1, "a": 2, "signature": {}}',
    "double names deep inside": '{"signature": {"value": [{"b": 1, "b": 1}]}}',
    "a fraction": '{"a": 1.5, "signature": {}}',
    "not a number": '{"a": NaN, "signature": {}}',
    "without end": '{"a": -Infinity, "signature": {}}',
    "a huge number": '{"a": 9007199254740993, "signature": {}}',
    "a number of many digits": '{"a": ' + "9" * 50_000 + "}",
    "an exponent": '{"a": 1e999}',
    "lone surrogates": '{"a": "\\ud800", "signature": {}}',
    "deep arrays": "[" * 60_000,
    "deep objects": '{"a":' * 10_000,
    "too large": '{"a": "' + "x" * (LARGEST + 10) + '"}',
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "zero bytes": b"\x00" * 100,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}


@pytest.mark.requirement("T-002")
@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_is_handed_in_gets_a_clear_answer(client: FlaskClient, name: str) -> None:
    given = HOSTILE[name]
    body = given if isinstance(given, bytes) else given.encode()
    answers = [client.post("/receipts/verify", data={"file": (io.BytesIO(body), "x.json")})]
    if isinstance(given, str):
        answers.append(check(client, given))
    for answer in answers:
        assert answer.status_code == 422
        assert "Check a receipt" in answer.text
        assert 'role="alert"' in answer.text
        assert "<h1>Check a receipt</h1>" in answer.text


@pytest.mark.parametrize(
    "signature",
    [
        {},
        {"keyId": 5, "value": []},
        {"keyId": None, "value": None, "algorithm": {}, "digests": []},
        {"keyId": "k", "digests": {"a": 1}, "value": "é"},
    ],
)
def test_a_signature_of_any_shape_is_no_accident(
    client: FlaskClient, cleo: Cleo, signature: dict[str, Any]
) -> None:
    known = issue(cleo)["x:signature"]["x:keyId"]
    given = {name: known if part == "k" else part for name, part in signature.items()}
    answer = check(client, {"a": 1, "signature": given})
    assert answer.status_code == 200
    assert ALTERED in answer.text or FOREIGN in answer.text


def test_nothing_of_what_is_handed_in_is_kept(client: FlaskClient, cleo: Cleo) -> None:
    document = issue(cleo)

    def counts() -> list[int]:
        db.session.rollback()
        tables = sorted(db.metadata.tables.values(), key=lambda table: table.name)
        return [
            db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in tables
        ]

    before = counts()
    assert GENUINE in check(client, document).text
    assert counts() == before


@pytest.mark.requirement("S-020")
def test_words_of_a_stranger_become_no_markup(client: FlaskClient, cleo: Cleo) -> None:
    document = issue(cleo)
    document["<script>alert(1)</script>"] = "x"
    answer = check(client, document)
    assert ALTERED in answer.text
    assert "<script>" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_keys_are_published_and_the_newest_is_named(client: FlaskClient, cleo: Cleo) -> None:
    keys = client.get("/receipts/keys.json").get_json()["keys"]
    assert [key["status"] for key in keys] == ["signs"]
    assert keys[0]["kid"] == issue(cleo)["x:signature"]["x:keyId"]


def test_every_term_of_ours_is_explained(client: FlaskClient, cleo: Cleo) -> None:
    sign_log()
    page = client.get("/receipts/terms").text
    document = json.dumps(issue(cleo))
    for name in receipts.OWN_TERMS:
        assert f"<code>{name}</code>" in page
        assert f'"{name}"' in document or name in ("x:ends", "x:broughtAt")


def test_what_a_strange_signature_covers_is_read_by_name(cleo: Cleo) -> None:
    document = issue(cleo)
    document["dct:title"] = "Something else"
    checked = receipts.check_document(document)
    assert checked.verdict is receipts.Verdict.ALTERED
    assert checked.parts == ("dct:title",)
