"""Every word of the readable part is there in every language, with the same places for values."""

from __future__ import annotations

import re

from mailer.consent import ConsentState
from mailer.proofs.words import _WORDS, FACTS, LANGUAGES, language_of, say


def test_every_word_is_there_in_every_language() -> None:
    for key, words in _WORDS.items():
        assert len(words) == len(LANGUAGES), key
        assert all(words), key
        places = {tuple(sorted(re.findall(r"{\w+}", text))) for text in words}
        assert len(places) == 1, key


def test_every_state_and_every_fact_has_its_word() -> None:
    assert {state.value for state in ConsentState} <= _WORDS.keys()
    assert set(FACTS) <= _WORDS.keys()


def test_an_unknown_language_is_told_in_english() -> None:
    assert [language_of(code) for code in ("de-AT", "SK", "fr", "")] == ["de", "sk", "en", "en"]
    assert say("record", "cs") == "Záznam"
