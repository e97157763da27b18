"""The canonical form of many payloads that differ in little (T-001).

What they have in common is put into RFC 8785 form once, and the evidence of each by itself; for the names of
a payload are sorted, so each part stands in a place of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mailer.consent.ledger import canonical_json

_OPENING: Final = b'{"ends":null,"evidence":null,'
_RECORD, _SUBJECT = "record-of-the-mould", "subject-of-the-mould"
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


class PayloadMould:
    """Made from what payloads say alike; `fill` gives the canonical form of one of them."""

    def __init__(self, frame: Mapping[str, Any]) -> None:
        whole = canonical_json(
            {**frame, "ends": None, "evidence": None, "record": _RECORD, "subject": _SUBJECT}
        )
        if not whole.startswith(_OPENING):
            raise ValueError("the canonical form of a payload begins differently")
        self._head, _, rest = whole[len(_OPENING) :].partition(_RECORD.encode())
        self._middle, _, self._tail = rest.partition(_SUBJECT.encode())

    def fill(self, *, record: str, subject: str, ends: str | None, evidence: bytes) -> bytes:
        """The canonical form of a payload; `evidence` is canonical already, the others are public ids."""
        for name in (record, subject, ends or record):
            if _ID.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no public id")
        ended = f'"{ends}"' if ends is not None else "null"
        return b"".join(
            (
                b'{"ends":',
                ended.encode(),
                b',"evidence":',
                evidence,
                b",",
                self._head,
                record.encode(),
                self._middle,
                subject.encode(),
                self._tail,
            )
        )
