"""One record of a file → what it says about a person, by itself; nothing of ours is asked.

What that leads to depends on what is known here of the address: see matching.py.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from mailer.foundation.addresses import Address, parse_address
from mailer.foundation.errors import Invalid
from mailer.foundation.languages import primary_language
from mailer.foundation.typed_addresses import (
    TypedAddress,
    describe_corrections,
    read_typed_address,
)
from mailer.imports.columns import LONGEST_FIELD_NAME, Target, plain_name
from mailer.imports.dates import EARLIEST, DateOrder, is_empty, latest_moment, read_date
from mailer.imports.states import Refusal, RowState

LONGEST_NAME, LONGEST_VALUE, LONGEST_WORDING = 200, 1_000, 20_000
MOST_FIELDS = 50
FORMULA_MARKS = "=+-@\t\r\x00"
_T = Target

_STATUS_GROUPS: dict[str, tuple[str, ...]] = {
    "fine": ("subscribed", "active", "enabled", "confirmed", "verified", "aktiv", "yes", "true", "1"),
    "unsubscribed": (
        "unsubscribed", "unsubscribe", "opted out", "opt out", "optout", "abgemeldet", "blocklisted",
        "blacklisted", "blocked", "suppressed", "removed", "do not mail", "gesperrt", "deaktiviert",
    ),
    "bounced": ("cleaned", "bounced", "bounce", "hard bounced", "hard bounce", "hardbounce",
                "hardbounced", "undeliverable"),
    "complained": ("complained", "complaint", "spam", "junk", "abuse"),
    "unconfirmed": (
        "unconfirmed", "not confirmed", "pending", "nonsubscribed", "non subscribed", "transactional",
        "inactive", "inaktiv", "disabled", "archived", "deleted", "no", "false", "0",
    ),
}  # fmt: skip
STATUS = {word: group for group, words in _STATUS_GROUPS.items() for word in words}
OPT_OUTS = ("unsubscribed", "bounced", "complained")
_YES = frozenset({"yes", "true", "1", "y", "ja", "oui", "on", "x", "t"})
_NO = frozenset({"no", "false", "0", "2", "n", "nein", "non", "off", "f", ""})
# The plainest of addresses, which are most: read like the others, only quicker.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*", re.ASCII)
_PLAIN_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
LONGEST_LOCAL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRules:
    """How the records of one file are read: the target of each column, and what holds for all rows."""

    header: Sequence[str]
    targets: Sequence[str]
    date_order: DateOrder
    now: datetime
    source: str = ""
    method: str = ""
    wording: str = ""
    date: str = ""
    has_evidence: bool = False
    all_opted_out: bool = False


@dataclass(slots=True)
class ReadRow:
    """What a record says. `state` is one of PROVEN, UNPROVEN, OPTED_OUT, REFUSED."""

    state: RowState
    given: str = ""
    digest: str | None = None
    refusal: Refusal | None = None
    detail: str = ""
    first_name: str = ""
    last_name: str = ""
    language: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    proof: dict[str, str] = field(default_factory=dict)
    opt_out: str = ""  # unsubscribed, bounced or complained
    opt_out_at: datetime | None = None


def read_row(rules: RowRules, cells: Sequence[str]) -> ReadRow:
    """What one record says about one person, or why it is refused."""
    if len(cells) > len(rules.header) and any(cells[len(rules.header) :]):
        return _refused(Refusal.RAGGED, cells, rules)
    values = _values(rules, cells)
    given = values.get(_T.ADDRESS, "")
    if not given:
        at = rules.targets.index(_T.ADDRESS)
        return _refused(
            Refusal.RAGGED if len(cells) <= at else Refusal.ADDRESS_MISSING, cells, rules
        )
    try:
        read = read_address(given)
    except Invalid as error:
        return ReadRow(
            RowState.REFUSED,
            given=clean(given)[:254],
            refusal=Refusal.ADDRESS_INVALID,
            detail=str(error),
        )
    row = ReadRow(RowState.UNPROVEN, given=read.address.given, digest=read.address.digest)
    row.detail = describe_corrections(read.corrections)
    _note_opt_out(row, rules, values)
    if row.state is RowState.UNPROVEN:
        _note_person(row, rules, values, cells)
    if row.state is RowState.UNPROVEN:
        _note_proof(row, rules, values)
    return row


def restore(cell: str) -> str:
    """A cell without the quote that keeps a spreadsheet from taking it for a formula (S-063)."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in FORMULA_MARKS else cell


def protect(cell: str) -> str:
    """A cell with a quote before it where a spreadsheet would take it for a formula (S-063)."""
    return f"'{cell}" if cell[:1] in FORMULA_MARKS and cell else cell


def read_address(text: str) -> TypedAddress:
    """The address as `read_typed_address` reads it. Raises Invalid."""
    local, at, domain = text.rpartition("@")
    domain = domain.lower()
    is_plain = (
        at
        and len(local) <= LONGEST_LOCAL
        and _PLAIN_LOCAL.fullmatch(local) is not None
        and _PLAIN_DOMAIN.fullmatch(domain) is not None
    )
    normal = _domain(domain) if is_plain else None
    if normal is None:
        return read_typed_address(text)
    found = Address(given=f"{local}@{normal}", normal=f"{local.lower()}@{normal}", domain=normal)
    return TypedAddress(found, text)


@lru_cache(maxsize=50_000)
def _domain(domain: str) -> str | None:
    """A plain domain that may stand in an address; None when only the full check can tell."""
    try:
        checked = parse_address(f"a@{domain}")
    except Invalid:
        return None
    return domain if checked.given == f"a@{domain}" and checked.domain == domain else None


def _values(rules: RowRules, cells: Sequence[str]) -> dict[str, str]:
    """The first value that is not empty of every target."""
    values: dict[str, str] = {}
    for target, cell in zip(rules.targets, cells, strict=False):
        if cell and target not in values and target != _T.IGNORE:
            text = restore(cell).strip()
            if text:
                values[target] = text
    return values


def _note_opt_out(row: ReadRow, rules: RowRules, values: dict[str, str]) -> None:
    word = re.sub(r"[\s_-]+", " ", values.get(_T.STATUS, "").casefold()).strip()
    status = STATUS.get(word, "") if word else "fine"
    if not status:
        _refuse(row, Refusal.VALUE, f"status {word[:60]}")
        return
    out = status if status in OPT_OUTS else ""
    left, bounced = values.get(_T.OPT_OUT_DATE, ""), values.get(_T.BOUNCE_DATE, "")
    has_left = bool(left) and not is_empty(left) and left.casefold() not in _NO
    has_bounced = bool(bounced) and not is_empty(bounced) and bounced.casefold() not in _NO
    flag = values.get(_T.OPTED_OUT, "").casefold()
    if not out and (
        rules.all_opted_out or has_left or flag not in _NO or values.get(_T.OPT_OUT_MARK)
    ):
        out = "unsubscribed"
    if not out and has_bounced:
        out = "bounced"
    if out:
        row.state, row.refusal, row.opt_out = RowState.OPTED_OUT, Refusal.OPTED_OUT, out
        written = left if has_left else bounced
        moment = latest_moment(written, rules.date_order)
        row.opt_out_at = _past(moment, rules.now)
        if row.opt_out_at is None:
            row.detail = f"date {clean(written)[:60]}" if written else "no date"
    elif status == "unconfirmed" or _is_never_activated(rules, values):
        _refuse(row, Refusal.UNCONFIRMED, word[:60] if status == "unconfirmed" else "")


def _past(moment: datetime | None, now: datetime) -> datetime | None:
    """When somebody opted out; None for a moment that cannot be true. A day may not be over yet."""
    if moment is None or not EARLIEST <= moment < now + timedelta(days=1):
        return None
    return min(moment, now)


def _is_never_activated(rules: RowRules, values: dict[str, str]) -> bool:
    return _T.ACTIVATED in rules.targets and is_empty(values.get(_T.ACTIVATED, ""))


def _note_person(
    row: ReadRow, rules: RowRules, values: dict[str, str], cells: Sequence[str]
) -> None:
    first, last = values.get(_T.FIRST_NAME, ""), values.get(_T.LAST_NAME, "")
    if not first and not last:
        first, _, last = values.get(_T.NAME, "").partition(" ")
    row.first_name, row.last_name = clean(first), clean(last)
    row.language = primary_language(values.get(_T.LANGUAGE, ""))
    fields: dict[str, str] = {}
    for name, target, cell in zip(rules.header, rules.targets, cells, strict=False):
        if target == _T.FIELD and cell.strip():
            fields[plain_name(name) or "field"] = clean(restore(cell))
    attributes = values.get(_T.ATTRIBUTES)
    if attributes:
        fields = {**_attributes(attributes), **fields}
    row.fields = {name: value for name, value in fields.items() if value}
    texts = (row.first_name, row.last_name)
    if any(len(text) > LONGEST_NAME for text in texts):
        _refuse(row, Refusal.VALUE, "name")
    elif len(row.fields) > MOST_FIELDS or any(len(v) > LONGEST_VALUE for v in row.fields.values()):
        _refuse(row, Refusal.VALUE, "fields")


def _note_proof(row: ReadRow, rules: RowRules, values: dict[str, str]) -> None:
    """With source, date, wording, method and an evidence file it is proven (C-049)."""
    is_double = values.get(_T.DOUBLE_OPT_IN, "").casefold()
    dates = (_T.CONSENT_DATE, _T.ACTIVATED, _T.SIGNUP_DATE)
    own = next((values[key] for key in dates if not is_empty(values.get(key, ""))), "")
    written = own or rules.date
    method = values.get(_T.METHOD) or rules.method
    proof = {
        "source": clean(values.get(_T.SOURCE) or rules.source)[:500],
        "method": clean(method or ("double opt-in" if is_double in _YES else ""))[:500],
        "wording": (values.get(_T.WORDING) or rules.wording)[:LONGEST_WORDING].replace("\x00", ""),
        "ip": (values.get(_T.CONSENT_IP) or values.get(_T.SIGNUP_IP, ""))[:45],
    }
    if written:
        moment = read_date(written, rules.date_order)
        if moment is None or not EARLIEST <= moment <= rules.now + timedelta(days=1):
            _refuse(row, Refusal.DATE, clean(written)[:60])
            return
        proof["date"] = _iso(moment)
        proof |= _sign_up(values, rules, moment)
    row.proof = {key: value for key, value in proof.items() if value}
    flags = [values[key].casefold() for key in (_T.OPT_IN, _T.DOUBLE_OPT_IN) if key in values]
    # A word that is neither yes nor no is no yes.
    has_said_no = any(flag not in _YES for flag in flags)
    is_complete = all(proof.get(key) for key in ("source", "method", "wording", "date"))
    if is_complete and rules.has_evidence and not has_said_no:
        row.state = RowState.PROVEN


def _sign_up(values: dict[str, str], rules: RowRules, consented: datetime) -> dict[str, str]:
    """Of a double opt-in elsewhere its first half: when and from where somebody signed up."""
    moment = read_date(values.get(_T.SIGNUP_DATE, ""), rules.date_order)
    if moment is None or not EARLIEST <= moment < consented:
        return {}
    return {"signed_up_at": _iso(moment), "signup_ip": values.get(_T.SIGNUP_IP, "")[:45]}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def clean(text: str) -> str:
    """One line of text without control characters, in NFC."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = unicodedata.normalize("NFC", text)
    kept = "".join(
        " " if unicodedata.category(mark) in ("Cc", "Zl", "Zp") else mark
        for mark in text
        if not "\ud800" <= mark <= "\udfff"
    )
    return " ".join(kept.split())


def _attributes(text: str) -> dict[str, str]:
    """The values of a JSON object, as text; what is none is left out."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    values: dict[str, str] = {}
    for name, value in found.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        key = plain_name(str(name))[:LONGEST_FIELD_NAME]
        if key and value is not None:
            values[key] = clean(shown)
    return values


def _refuse(row: ReadRow, refusal: Refusal, detail: str = "") -> None:
    row.state, row.refusal, row.detail = RowState.REFUSED, refusal, detail


def _refused(refusal: Refusal, cells: Sequence[str], rules: RowRules) -> ReadRow:
    at = rules.targets.index(_T.ADDRESS)
    given = clean(restore(cells[at]))[:254] if len(cells) > at else ""
    return ReadRow(RowState.REFUSED, given=given, refusal=refusal)
