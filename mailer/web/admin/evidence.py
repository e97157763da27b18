"""Evidence in words: the legs of a proof as facts, and the stored texts as they were read (C-040 to C-044)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailer import consent, forms
from mailer.foundation.errors import NotFound
from mailer.web.filters import show_day

LEGS = (
    ("imported", "What the import says"),
    ("submission", "The form was sent"),
    ("confirmation_mail", "The confirmation mail"),
    ("confirmation", "The confirming act"),
)
LABELS = {
    "address_corrections": "Corrections to the address",
    "address_suggested": "Asked whether this address was meant",
    "address_suggestion": "Answer to the question",
    "address_typed": "Address as it was typed",
    "answered_at": "Answered by the mail server",
    "asked_again": "Asked again",
    "asked_at": "They asked",
    "at": "When",
    "confirmed_at": "Confirmed",
    "definition_sha256": "Text of the form",
    "embed": "Kind of embedding",
    "embedding_origin": "Website around the form",
    "enhanced_code": "Enhanced code",
    "envelope_from": "Sent from",
    "envelope_to": "Sent to",
    "form_id": "Form",
    "form_url": "Address of the form",
    "form_version": "Version of the form",
    "consented_at": "Consent given elsewhere, as the source says",
    "evidence_name": "Evidence file",
    "evidence_sha256": "Fingerprint of the evidence file",
    "file_name": "Imported file",
    "file_sha256": "Fingerprint of the imported file",
    "import": "Import",
    "imported_at": "Imported",
    "importer": "Imported by",
    "line": "Line of the file",
    "signed_up_at": "Signed up elsewhere, as the source says",
    "signup_ip": "Network of that sign-up, shortened",
    "source": "Source",
    "wording_sha256": "Words agreed to, as the source says",
    "ip": "Network, shortened",
    "is_automated_suspect": "Perhaps a robot",
    "message_id": "Message-ID",
    "notice_sha256": "Text of the notice",
    "locale": "Language",
    "method": "How",
    "mailed_at": "Link mailed",
    "note": "Note",
    "notice_number": "Version of the notice",
    "page_sha256": "Text of the page",
    "page_shown_at": "Page shown",
    "recorded_by": "Recorded by",
    "relay": "Mail server",
    "reply_code": "Reply code",
    "reply_text": "Reply",
    "request": "Request",
    "request_id": "Number of the web request",
    "restores": "Brings back",
    "sha256": "The mail, byte for byte; nobody is shown it",
    "blotted_sha256": "The mail as it is shown, link secrets blotted out",
    "shown_at": "Form shown",
    "shown_sha256": "Text of the page",
    "submitted_at": "Sent",
    "tls": "Encryption on the way",
    "token_sha256": "Digest of the link",
    "undoes": "Undoes",
    "user_agent": "Browser",
}
_TOLD_ELSEWHERE = frozenset({"controls", "leg", "link_sha256s"})
_HASH = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its label and a text, a moment, or a hash; a mail can be kept as a file."""

    label: str
    text: str = ""
    at: datetime | None = None
    hash: str = ""
    mail_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Leg:
    """One of the three things that prove a consent, or how it ended."""

    title: str
    facts: list[Fact]


@dataclass(frozen=True, slots=True)
class TextRead:
    """A stored text as it was shown; `blocks` are (heading, paragraphs)."""

    title: str
    sha256: str
    language: str
    blocks: list[tuple[str, list[str]]] = field(default_factory=list)


def words_of_control(evidence: Mapping[str, Any], mailing_list: str) -> str:
    """The label of the box about this list (its public id, empty for tracking), as ticked or left."""
    submission = evidence.get("submission") or evidence
    for control in submission.get("controls") or ():
        if str(control.get("mailing_list") or "") == mailing_list:
            return str(control.get("label") or "")
    return str(evidence.get("label") or "")


def read_legs(evidence: Mapping[str, Any]) -> list[Leg]:
    """The facts of an evidence, leg by leg; what has no legs is told as one."""
    named = [(key, title) for key, title in LEGS if isinstance(evidence.get(key), Mapping)]
    if not named:
        facts = _facts(evidence)
        return [Leg("What is kept of it", facts)] if facts else []
    legs = [Leg(_title(key, title, evidence[key]), _facts(evidence[key])) for key, title in named]
    known = {key for key, _ in named}
    rest = _facts({key: value for key, value in evidence.items() if key not in known})
    return [*legs, Leg("Further", rest)] if rest else legs


def _title(key: str, title: str, leg: Mapping[str, Any]) -> str:
    is_import = key == "submission" and leg.get("leg") == "import"
    return "Brought in by an import, and then asked" if is_import else title


def read_texts(evidence: Mapping[str, Any]) -> list[TextRead]:
    """Every stored text that an evidence names, by its hash, in the order of reading."""
    texts: dict[str, TextRead] = {}
    waiting = [value for _, value in _hashes(evidence)]
    while waiting:
        sha256 = waiting.pop(0)
        if sha256 in texts:
            continue
        stored = _find_text(sha256)
        if stored is None:
            continue
        texts[sha256] = _told(stored, sha256)
        waiting += [value for _, value in _hashes(stored)]
    return list(texts.values())


def _facts(evidence: Mapping[str, Any], *, prefix: str = "") -> list[Fact]:
    facts: list[Fact] = []
    for key, value in evidence.items():
        if key in _TOLD_ELSEWHERE or value in (None, "", []):
            continue
        label = f"{prefix}{LABELS.get(key, key.replace('_', ' ').capitalize())}"
        if isinstance(value, Mapping):
            facts += _facts(value, prefix=f"{label}: ")
        else:
            facts.append(_fact(key, label, value))
    return facts


def _fact(key: str, label: str, value: Any) -> Fact:
    if isinstance(value, bool):
        return Fact(label, text="yes" if value else "no")
    if isinstance(value, list):
        return Fact(label, text=", ".join(str(item) for item in value))
    text = str(value)
    if _HASH.fullmatch(text):
        return Fact(label, hash=text, mail_sha256=text if key == "sha256" else "")
    if _TIME.match(text):
        try:
            at = datetime.fromisoformat(text)
            is_day = key in ("consented_at", "signed_up_at") and consent.is_day_only(at)
            return Fact(label, text=show_day(at)) if is_day else Fact(label, at=at)
        except ValueError:
            return Fact(label, text=text)
    return Fact(label, text=text)


def _hashes(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _hashes(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _hashes(item, key)
    elif isinstance(value, str) and key.endswith("sha256") and _HASH.fullmatch(value):
        yield key, value


def _find_text(sha256: str) -> dict[str, Any] | None:
    try:
        stored = json.loads(consent.get_text(sha256).body)
    except (NotFound, ValueError):
        return None  # the hash of something that is no text, such as a link
    return stored if isinstance(stored, dict) else None


def _told(stored: dict[str, Any], sha256: str) -> TextRead:
    kind = stored.get("kind")
    if kind == "form-version":
        return _form_told(stored, sha256)
    if kind == "privacy-notice":
        blocks = [
            (str(section["heading"]), [*section["paragraphs"], *section["points"]])
            for section in stored["sections"]
        ]
        return TextRead(str(stored["title"]), sha256, str(stored["language"]), blocks)
    if kind == "imported-wording":
        return TextRead(
            "The words agreed to, as the source says", sha256, "en", [("", [str(stored["text"])])]
        )
    in_order = [stored.get(key) for key in ("title", "sentence", "text")]
    lines = [line for line in in_order if isinstance(line, str)]
    if stored.get("button"):
        lines.append(f"[ {stored['button']} ]")
    return TextRead("The page with the button", sha256, "en", [("", lines)])


def _form_told(stored: dict[str, Any], sha256: str) -> TextRead:
    definition = stored["definition"]
    disclosure = definition.get("disclosure") or {}
    blocks = [
        (str(definition.get("title", "")), [str(definition.get("intro", ""))]),
        *(("", [f"☐ {control['label']}"]) for control in definition.get("controls", ())),
        *((heading, [str(disclosure.get(key, ""))]) for key, heading in forms.SLOTS),
        ("", [f"[ {definition.get('button', '')} ]"]),
    ]
    kept = [(heading, [line for line in lines if line]) for heading, lines in blocks]
    language = str(definition.get("language", "en"))
    return TextRead("The form", sha256, language, [block for block in kept if any(block)])
