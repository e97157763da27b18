"""Templates hold no script and no style of their own, and their words can be translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from tests.house.sources import ROOT, refuse

TEMPLATES = ROOT / "templates"
ALL = sorted(path for path in TEMPLATES.rglob("*") if path.suffix in (".html", ".txt"))
TRANSLATED = [
    path for path in ALL if path.relative_to(TEMPLATES).parts[0] in ("public", "email", "_macros")
]
# What the content security policy would refuse.
INLINE = {
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a script without src": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "something from elsewhere": re.compile(
        r"<(?:script|img|iframe|link)\b[^>]*\s(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE
    ),
}
# Mails as an inbox would show them: documents of their own in a sandboxed frame, where mail's
# styles have to stand beside the words.
MAIL_PREVIEWS = ("admin/campaigns/preview_", "admin/campaigns/_preview_head.html")
STYLES = ("a style element", "a style attribute")
TAG = re.compile(r"<!--.*?-->|<[^<>]*>|<[^<>]*\Z|\A[^<>]*>", re.DOTALL)
ENTITY = re.compile(r"&\w+;")
WORDS = re.compile(r"[^\W\d_]{2,}(?:[\s’',.-]+[^\W\d_]{2,})+")
SENTENCE = re.compile(r"[A-ZÄÖÜ][\w’']*(?:,? [\w’'.-]+)+")
ENVIRONMENT = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def bare_words(text: str) -> Iterator[tuple[int, str]]:
    """Line and words of what stands outside of `_()`: between tags, or as a sentence in code."""
    tree = ENVIRONMENT.parse(text)
    # Code is blotted out first, for it may stand inside a tag.
    for line, stretch in enumerate(_without_code(text).splitlines(), 1):
        plain = ENTITY.sub(" ", stretch)
        yield from ((line, hit.group()) for hit in WORDS.finditer(plain))
    translated = {
        id(constant)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in ("_", "gettext", "ngettext")
        for constant in call.find_all(nodes.Const)
    }
    for constant in tree.find_all(nodes.Const):
        is_sentence = isinstance(constant.value, str) and SENTENCE.fullmatch(constant.value)
        if is_sentence and id(constant) not in translated:
            yield constant.lineno, constant.value


def _without_code(text: str) -> str:
    """The template without Jinja and without tags, every line where it was."""
    for pattern in (
        r"\{#.*?#\}",
        r"\{%-?\s*trans\b.*?endtrans\s*-?%\}",
        r"\{%.*?%\}",
        r"\{\{.*?\}\}",
        r"<(script|style)\b.*?</\1>",
    ):
        text = re.sub(pattern, _blank, text, flags=re.DOTALL)
    # Attributes may stand alone, in a macro that gives a field its own.
    return re.sub(r"[\w-]+=\"[^\"]*\"", _blank, TAG.sub(_blank, text))


def _blank(hit: re.Match[str]) -> str:
    return "\n" * hit.group().count("\n") or " "


@pytest.mark.requirement("S-020")
@pytest.mark.parametrize("path", ALL, ids=relative)
def test_a_template_brings_no_script_and_no_style_of_its_own(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    is_mail = str(path.relative_to(TEMPLATES)).startswith(MAIL_PREVIEWS)
    refuse(
        [
            f"{relative(path)}: {what}: {hit.group()[:80]!r}"
            for what, pattern in INLINE.items()
            if not (is_mail and what in STYLES)
            for hit in pattern.finditer(re.sub(r"\{\{.*?\}\}", "x", text, flags=re.DOTALL))
        ]
    )


@pytest.mark.parametrize("path", TRANSLATED, ids=relative)
def test_what_people_read_can_be_translated(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    refuse([f"{relative(path)}:{line}: {words!r}" for line, words in bare_words(text)])


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_nothing_is_printed_without_being_escaped(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "autoescape false" not in text
    refuse(
        [
            f"{relative(path)}:{text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}"
            for hit in re.finditer(r"\|\s*safe\b|\bMarkup\(", text)
        ]
    )


def test_the_rules_find_what_they_are_for() -> None:
    assert INLINE["a style attribute"].search('<p class="a" style="color: red">')
    assert INLINE["an event attribute"].search('<a href="x" onclick="y()">')
    assert INLINE["a script without src"].search("<script>x()</script>")
    assert not INLINE["a script without src"].search('<script src="/x.js" defer></script>')
    assert list(bare_words("<p>Please confirm\n your address</p>"))
    assert list(bare_words("{{ button('Save this') }}"))
    assert not list(bare_words("<p title='a b'>{{ _('Please confirm') }}</p>"))
    assert not list(bare_words("{% trans %}Please confirm{% endtrans %} &middot; A"))
