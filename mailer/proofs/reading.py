"""Stored texts as they are read: the form, the notice, the page with the button. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailer.forms import SLOTS

TEXT_KEYS = ("definition_sha256", "notice_sha256", "page_sha256", "shown_sha256", "wording_sha256")


@dataclass(frozen=True, slots=True)
class TextRead:
    """A text: its kind (`form`, `page`, `wording`, or empty), its title and language, headings and lines."""

    kind: str
    title: str
    language: str
    blocks: tuple[tuple[str, tuple[str, ...]], ...]


def texts_named(value: Any) -> Iterator[str]:
    """The SHA-256 of every text that evidence names, hexadecimal."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in TEXT_KEYS and isinstance(item, str) and item:
                yield item
            yield from texts_named(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_named(item)


def read_text(body: bytes) -> TextRead:
    """A stored text, in the order in which it was on the page."""
    stored = json.loads(body)
    if stored.get("kind") == "form-version":
        return _form(stored["definition"])
    if stored.get("kind") == "privacy-notice":
        blocks = tuple(
            (
                str(section["heading"]),
                (*map(str, section["paragraphs"]), *map(str, section["points"])),
            )
            for section in stored["sections"]
        )
        return TextRead("", str(stored["title"]), str(stored["language"]), blocks)
    if stored.get("kind") == "imported-wording":
        return TextRead("wording", "", "", (("", (str(stored["text"]),)),))
    lines = [stored.get(key) for key in ("title", "sentence", "text")]
    shown = [line for line in lines if isinstance(line, str)]
    button = [f"[ {stored['button']} ]"] if stored.get("button") else []
    return TextRead("page", "", "en", (("", (*shown, *button)),))


def _form(definition: Mapping[str, Any]) -> TextRead:
    boxes = tuple(f"☐ {control['label']}" for control in definition.get("controls", ()))
    disclosure = definition.get("disclosure") or {}
    title = str(definition.get("title", ""))
    blocks = [
        (title, (str(definition.get("intro", "")),)),
        ("", boxes),
        *((heading, (str(disclosure.get(key, "")),)) for key, heading in SLOTS),
        ("", (f"[ {definition.get('button', '')} ]",)),
    ]
    kept = [(heading, tuple(line for line in lines if line)) for heading, lines in blocks]
    shown = tuple((heading, lines) for heading, lines in kept if lines or heading == title)
    return TextRead("form", "", str(definition.get("language", "en")), shown)
