"""Both verifiers say of every published vector what is written down for it."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from mailer.consent import ORIGIN_WORDS, Origin, not_proven
from mailer.verifier.verify import LINES, ORIGINS
from tests.support.verifying import (
    PAGE,
    VECTORS,
    Answer,
    judge,
    judge_in_browser,
    read_vector,
    vectors,
)

ALL = pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["bundle"])


def given(vector: Answer) -> tuple[bytes, bytes]:
    return read_vector(vector["bundle"]), read_vector(vector["policy"])


@pytest.mark.requirement("T-041")
@pytest.mark.requirement("T-045")
@ALL
def test_the_program_answers_as_expected(vector: Answer) -> None:
    answer = judge(*given(vector))
    assert {"ok": answer["ok"], "lines": answer["lines"]} == {
        "ok": vector["ok"],
        "lines": vector["lines"],
    }, answer["sentences"]


@pytest.mark.requirement("T-041")
@pytest.mark.requirement("T-045")
@ALL
def test_the_page_answers_as_expected(vector: Answer, verifier_page: Page) -> None:
    answer = judge_in_browser(verifier_page, *given(vector))
    assert {"ok": answer["ok"], "lines": answer["lines"]} == {
        "ok": vector["ok"],
        "lines": vector["lines"],
    }, answer["sentences"]


@pytest.mark.parametrize(
    "vector",
    [vector for vector in vectors() if "origin" in vector],
    ids=lambda vector: vector["bundle"],
)
def test_both_say_truly_how_a_consent_came_about(vector: Answer, verifier_page: Page) -> None:
    answer = judge(*given(vector))
    assert answer == judge_in_browser(verifier_page, *given(vector))
    assert answer["sentences"][-1] == vector["standing"]
    told = not_proven([Origin(vector["origin"])])
    assert [one for one in answer["not_proven"] if one in told] == told
    others = not_proven(set(Origin) - {Origin(vector["origin"])})
    assert not set(answer["not_proven"]) & (set(others) - set(told))


def test_both_have_the_words_of_every_origin_from_the_one_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for origin in Origin:
        words = ORIGIN_WORDS[origin]
        assert ORIGINS[origin.value] == (words.person[0], words.read[0], words.standing)
        assert all(json.dumps(one, ensure_ascii=False) in page for one in ORIGINS[origin.value])


@pytest.mark.requirement("T-043")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("good", "blotted out; the link that was pressed stood in it; the mail server said"),
        ("good-other-link", "blotted out; the mail server said"),
        ("good-older-record", "The mail is there byte for byte; the mail server said"),
        ("good-older-record-blotted", "what is shown rests on the maker's word"),
        ("good-measuring", "blotted out; the link that was pressed"),
    ],
)
def test_both_say_the_same_words_of_a_good_bundle(
    verifier_page: Page, name: str, words: str
) -> None:
    bundle, policy = read_vector(f"{name}.zip"), read_vector("full.txt")
    answer = judge(bundle, policy)
    assert answer == judge_in_browser(verifier_page, bundle, policy)
    assert words in answer["sentences"][list(LINES).index("mail")]


@pytest.mark.requirement("T-043")
@pytest.mark.requirement("T-030")
def test_what_is_not_proven_is_said_every_time(verifier_page: Page) -> None:
    bundle = read_vector("good.zip")
    outside = judge(bundle, read_vector("full.txt"))["not_proven"]
    alone = judge(bundle, read_vector("log-alone.txt"))["not_proven"]
    assert alone[1:] == outside
    assert alone[0].startswith("Operator-asserted only")
    for words in ("Who sat at the keyboard", "the texts were read", "nothing else happened"):
        assert any(words in sentence for sentence in outside)
    assert (
        judge_in_browser(verifier_page, bundle, read_vector("log-alone.txt"))["not_proven"] == alone
    )


@pytest.mark.requirement("T-044")
def test_a_withdrawal_after_the_consent_shows(verifier_page: Page) -> None:
    policy = read_vector("log-alone.txt")
    withdrawn, standing = read_vector("good.zip"), read_vector("good-given.zip")
    for say in (judge, lambda *both: judge_in_browser(verifier_page, *both)):
        assert "and ended: withdrawn at" in say(withdrawn, policy)["sentences"][-1]
        assert "not ended by any record" in say(standing, policy)["sentences"][-1]


def test_every_vector_on_the_disk_is_expected_and_every_line_fails_somewhere() -> None:
    told = vectors()
    assert {path.name for path in VECTORS.glob("*.zip")} == {vector["bundle"] for vector in told}
    for line in LINES:
        alone = {vector["lines"][line] for vector in told if vector["lines"]["file"] == "ok"}
        assert line == "file" or "failed" in alone, line
