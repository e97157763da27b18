"""Searching names and addresses as people write them: without minding capitals, accents or wire forms.

The same folding is done to what is searched for, here, and to what is searched, in the database.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from mailer.foundation.addresses import unicode_domain

# Letters that Unicode does not take apart into a plain one and a mark.
_PLAIN_OF = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ð": "d"}
_WRAPPED = "<>()[]\"'“”,;:"
_MARKS = "[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff]"


def fold(text: str) -> str:
    """Small letters without accents and invisible marks."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.lower())
    kept = (mark for mark in apart if unicodedata.category(mark) not in ("Mn", "Cf"))
    return "".join(_PLAIN_OF.get(mark, mark) for mark in kept)


def forms_of(word: str) -> list[str]:
    """A word of a search, folded; with its domain in both ways (RFC 5890), where it has an A-label."""
    bare = word.strip(_WRAPPED).removeprefix("mailto:")
    forms = [fold(bare or word)]
    local, at, domain = bare.rpartition("@")
    if "xn--" in domain.lower():
        forms.append(fold(f"{local}{at}{unicode_domain(domain)}"))
    return forms


class Folded(sa.sql.functions.GenericFunction[str]):
    """SQL: `fold` of a column."""

    type = sa.Text()
    inherit_cache = True
    name = "folded"


@compiles(Folded, "postgresql")
def _folded_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    text = f"regexp_replace(lower(normalize({column}, NFKD)), '{_MARKS}', '', 'g')"
    for letter, plain in _PLAIN_OF.items():
        # A database whose locale is C makes small letters of A to Z only.
        for written in sorted({letter, letter.upper()} - {"I", "SS"}):
            text = f"replace({text}, '{written}', '{plain}')"
    return text


def add_to_sqlite(connection: sqlite3.Connection) -> None:
    """Have a connection know the function, which SQLite itself has not."""
    connection.create_function(
        "folded", 1, lambda text: None if text is None else fold(text), deterministic=True
    )
