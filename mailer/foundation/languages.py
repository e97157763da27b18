"""Languages as people and systems write them: tags of BCP 47, codes of ISO 639, names. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

# ISO 639-1 -> the codes of ISO 639-2 (both, where there are two), the English name, and its own names.
_KNOWN = """
bg bul bulgarian български | hr hrv croatian hrvatski | cs ces cze czech čeština česky český
da dan danish dansk | nl nld dut dutch nederlands flemish vlaams | en eng english
et est estonian eesti | fi fin finnish suomi | fr fra fre french français | de deu ger german deutsch
el ell gre greek ελληνικά | hu hun hungarian magyar | ga gle irish gaeilge | it ita italian italiano
lv lav latvian latviešu | lt lit lithuanian lietuvių | mt mlt maltese malti | pl pol polish polski
pt por portuguese português | ro ron rum romanian română moldavian
sk slk slo slovak slovenčina slovensky slovenský
sl slv slovenian slovene slovenščina slovenski | es spa spanish español castellano castilian
sv swe swedish svenska
uk ukr ukrainian українська | ru rus russian русский | tr tur turkish türkçe | no nor norwegian norsk
sr srp serbian српски srpski | ar ara arabic العربية | he heb hebrew עברית | zh zho chi chinese 中文
ja jpn japanese 日本語 | ko kor korean 한국어
"""
# Codes that are no language any more, or that name a country where a language was meant. Country codes that
# are a language of their own (uk is Ukrainian, se Northern Sami) stay that language.
_ALIASES = {
    "cz": "cs", "dk": "da", "gr": "el", "gb": "en", "us": "en", "at": "de", "jp": "ja",
    "iw": "he", "in": "id", "ji": "yi", "mo": "ro", "nb": "no", "nn": "no",
}  # fmt: skip
_TAG = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{1,8})*", re.ASCII)
_WORD_END = re.compile(r"[\s(,;/]")


def _fold(text: str) -> str:
    """Letters alone decide: case and accents are taken off."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def _by_word() -> dict[str, str]:
    found = dict(_ALIASES)
    for entry in re.split(r"[|\n]", _KNOWN.strip()):
        code, *words = entry.split()
        found.update(dict.fromkeys((code, *map(_fold, words)), code))
    return found


_BY_WORD: Final[Mapping[str, str]] = MappingProxyType(_by_word())


@lru_cache(maxsize=1_000)
def primary_language(written: str) -> str:
    """The language of a tag, code or name, as its shortest code (ISO 639-1 where there is one); else empty.

    `sk-SK`, `sk_SK.UTF-8`, `slk`, `Slovak`, `Slovenčina` and `Slovak (Slovakia)` are `sk`. Nothing is told by
    the first letters of a word.
    """
    text = written.strip().partition(".")[0].partition("@")[0]
    folded = _fold(text)
    known = _BY_WORD.get(folded) or _BY_WORD.get(_WORD_END.split(folded, maxsplit=1)[0])
    if known:
        return known
    if _TAG.fullmatch(folded) is None:
        return ""
    primary = re.split("[-_]", folded, maxsplit=1)[0]
    return _BY_WORD.get(primary, primary)
