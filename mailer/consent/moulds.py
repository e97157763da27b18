"""The canonical form of many payloads that differ in little (T-001).

What they have in common is put into RFC 8785 form once, and the evidence of each by itself; for the names of
a payload are sorted, so each part stands in a place of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from mailer.consent.canonical import canonical_json
from mailer.consent.ledger import About, described, frame_of
from mailer.consent.states import ConsentState, Matter
from mailer.foundation.clock import iso
from mailer.organisations import Organisation

_OPENING: Final = b'{"ends":null,"evidence":null,'
_HOLES: Final = ("record", "recorded_at", "subject")  # in the order of their names
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


class PayloadMould:
    """Made from what payloads say alike; `fill` gives the canonical form of one of them."""

    def __init__(self, frame: Mapping[str, Any]) -> None:
        marks = {name: f"{name}-of-the-mould" for name in _HOLES}
        whole = canonical_json({**frame, **marks, "ends": None, "evidence": None})
        if not whole.startswith(_OPENING):
            raise ValueError("the canonical form of a payload begins differently")
        rest = whole[len(_OPENING) :]
        parts = []
        for name, mark in marks.items():
            # With its name before it, which no text inside a string can look like.
            named, quoted = f'"{name}":"'.encode(), mark.encode()
            part, _, rest = rest.partition(named + quoted)
            parts.append(part + named)
        self._before_record, self._before_moment, self._before_subject = parts
        self._tail = rest

    def fill(
        self, *, record: str, subject: str, moment: datetime, ends: str | None, evidence: bytes
    ) -> bytes:
        """The canonical form of a payload recorded at `moment`; `evidence` is canonical already, the others
        are public ids.
        """
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
                self._before_record,
                record.encode(),
                self._before_moment,
                iso(moment).encode(),
                self._before_subject,
                subject.encode(),
                self._tail,
            )
        )


def mould_of(organisation: Organisation, about: About, state: ConsentState) -> PayloadMould:
    """The mould for records of this state about a list, as it stands now, or about tracking."""
    facts = described(about.mailing_list)
    kept = None if facts is None else tuple(facts.items())
    return _mould_of(organisation.public_id, about.matter, kept, state)


@lru_cache(maxsize=256)
def _mould_of(
    organisation: str,
    matter: Matter,
    facts: tuple[tuple[str, Any], ...] | None,
    state: ConsentState,
) -> PayloadMould:
    mailing_list = None if facts is None else dict(facts)
    return PayloadMould(frame_of(organisation, matter, mailing_list, state))
