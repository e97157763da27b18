"""The readable part of a bundle: one HTML page that prints well and needs nothing beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from mailer import consent
from mailer.consent import ALLOWS_SENDING, Origin
from mailer.proofs.reading import TextRead, read_text, texts_named
from mailer.proofs.words import FACTS, say

_TOLD = frozenset({*ALLOWS_SENDING, "unknown"})  # the states that say where a consent comes from
LEGS = ("submission", "imported", "confirmation_mail", "confirmation")

_STYLE = """
:root{color-scheme:light;--ink:#17202b;--muted:#586270;--line:#dcdcd5}
*{box-sizing:border-box}
body{margin:0 auto;max-width:44rem;padding:2.5rem 1.25rem;color:var(--ink);background:#fff;
font:1rem/1.5 -apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif;
overflow-wrap:break-word}
h1{font-size:1.75rem;line-height:1.25;margin:0}h2{font-size:1.25rem;margin:2.5rem 0 .5rem}
h3{font-size:1rem;margin:1.25rem 0 .25rem}p{margin:.5rem 0}
dl{display:grid;grid-template-columns:minmax(9rem,13rem) 1fr;gap:.25rem 1rem;margin:.75rem 0}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:.75rem 0;font-size:.9375rem}
th,td{text-align:left;vertical-align:top;padding:.375rem 1rem .375rem 0;border-top:1px solid var(--line)}
td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
th{font-weight:600}
blockquote{margin:.5rem 0;padding:.25rem 1rem;border-left:3px solid var(--line)}
code{font:.875rem ui-monospace,Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere}
.muted{color:var(--muted);font-size:.875rem}
section{break-inside:auto}h2,h3{break-after:avoid}tr,blockquote p{break-inside:avoid}
@media(max-width:34rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}
td,th{padding-right:.5rem;font-size:.8125rem}}
@page{margin:20mm}@media print{body{padding:0;max-width:none}}
""".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the page tells beside the records; `outside` are names, `checkpoint` is origin and size.

    `topic_name` is the name of the list, or of measuring.
    """

    language: str
    organisation: str
    address: str
    topic_name: str
    is_about_measuring: bool = False
    purpose: str
    made_at: str
    checkpoint: tuple[str, int] | None
    outside: Sequence[str]
    origins: Sequence[Origin]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTold:
    """A record: its payload, its position in the log (None while it waits), its commitment."""

    payload: Mapping[str, Any]
    position: int | None
    commitment: str


def write_document(
    facts: Facts, records: Sequence[RecordTold], texts: Mapping[str, bytes]
) -> bytes:
    """The page; `texts` are the stored texts by their SHA-256."""
    language = facts.language
    is_given = any(record.payload["state"] in ALLOWS_SENDING for record in records)
    title = f"{say('title' if is_given else 'title_no_consent', language)}: {facts.topic_name}"
    told = {sha256: read_text(body) for sha256, body in texts.items()}
    about = "lead_measuring" if facts.is_about_measuring else "lead"
    lead = say(about, language, organisation=facts.organisation, list=facts.topic_name)
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{escape(language)}">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            (
                '<meta http-equiv="Content-Security-Policy" '
                "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            ),
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style></head>",
            "<body><main>",
            f"<h1>{escape(title)}</h1>",
            f"<p>{escape(lead)}</p>",
            *_facts(facts),
            *_events(records, language),
            *(line for record in records for line in _record(record, language)),
            *_texts(records, told, language),
            *_ending(facts),
            "</main></body></html>",
            "",
        ]
    ).encode()


def _facts(facts: Facts) -> list[str]:
    language = facts.language
    rows = [
        (say("organisation", language), facts.organisation),
        (say("address", language), facts.address),
        (say("about" if facts.is_about_measuring else "mailing_list", language), facts.topic_name),
        (say("purpose", language), facts.purpose),
        (say("made_at", language), _moment(facts.made_at)),
        (say("log", language), _log(facts)),
    ]
    return _list_of(rows)


def _log(facts: Facts) -> str:
    if facts.checkpoint is None:
        return say("waiting", facts.language)
    origin, size = facts.checkpoint
    checkpoint = say("checkpoint", facts.language, origin=origin, size=size)
    names = ", ".join(facts.outside)
    outside = say("outside", facts.language, names=names) if names else say("alone", facts.language)
    return f"{checkpoint}. {outside}"


def _events(records: Sequence[RecordTold], language: str) -> list[str]:
    heads = [say(key, language) for key in ("when", "what", "position", "record")]
    rows = [
        [
            _moment(str(record.payload["recorded_at"])).removesuffix(" UTC"),
            _what(record.payload, language),
            say("not_yet", language) if record.position is None else str(record.position),
            str(record.payload["record"]),
        ]
        for record in records
    ]
    return [f"<h2>{escape(say('events', language))}</h2>", *_table(heads, rows)]


def _record(record: RecordTold, language: str) -> list[str]:
    payload = record.payload
    evidence = payload["evidence"]
    state, at = _what(payload, language), _moment(str(payload["recorded_at"]))
    lines = [f"<section><h2>{escape(state[:1].upper() + state[1:])}, {escape(at)}</h2>"]
    if payload["state"] in _TOLD:
        how = consent.how(consent.provenance_of(payload), language)
        lines.append(f"<p>{escape(how)}</p>")
    submission = evidence.get("submission") or evidence
    lines += _boxes(submission.get("controls") or (), language)
    if any(evidence.get(leg) for leg in LEGS):
        legs = [(leg, evidence.get(leg) or {}) for leg in LEGS if evidence.get(leg)]
    else:
        legs = [("submission" if submission.get("controls") else "act", evidence)]
    for leg, values in legs:
        rows = [(say(key, language), _shown(key, values[key])) for key in FACTS if values.get(key)]
        title = "imported" if values.get("leg") == "import" else leg
        if leg == "confirmation_mail" and submission.get("leg") == "import":
            title = "permission_mail"
        lines += [f"<h3>{escape(say(title, language))}</h3>", *_list_of(rows)]
        if leg == "confirmation_mail":
            lines.append(f'<p class="muted">{escape(say("blotted", language))}</p>')
    seal = escape(say("seal", language))
    return [*lines, f'<p class="muted">{seal} <code>{record.commitment}</code></p></section>']


def _boxes(controls: Iterable[Mapping[str, Any]], language: str) -> list[str]:
    rows = [
        [str(control["label"]), say("ticked" if control["is_ticked"] else "unticked", language)]
        for control in controls
    ]
    heads = [say("words", language), say("state", language)]
    return [f"<h3>{escape(say('boxes', language))}</h3>", *_table(heads, rows)] if rows else []


def _texts(records: Sequence[RecordTold], told: Mapping[str, TextRead], language: str) -> list[str]:
    named = dict.fromkeys(
        sha256 for record in records for sha256 in texts_named(record.payload["evidence"])
    )
    lines = [f"<h2>{escape(say('texts', language))}</h2>"] if named else []
    for sha256 in named:
        text = told[sha256]
        title = say(text.kind, language) if text.kind else text.title
        lines.append(f"<h3>{escape(title)}</h3>")
        spoken = f' lang="{escape(text.language)}"' if text.language else ""
        lines.append(f"<blockquote{spoken}>")
        for heading, paragraphs in text.blocks:
            lines += [f"<p><strong>{escape(heading)}</strong></p>"] if heading else []
            lines += [f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs]
        lines += ["</blockquote>", f'<p class="muted">SHA-256 <code>{escape(sha256)}</code></p>']
    return lines


def _what(payload: Mapping[str, Any], language: str) -> str:
    """What a record says happened: a consent by its origin, everything else by its state."""
    state, origin = str(payload["state"]), consent.provenance_of(payload).origin
    if state not in _TOLD or (state == "renewed" and origin is Origin.FORM):
        return say(state, language)
    return consent.event_of(origin, language)


def _ending(facts: Facts) -> list[str]:
    language = facts.language
    limits = [*consent.not_proven(facts.origins, language), say("limit_else", language)]
    return [
        f"<h2>{escape(say('check', language))}</h2>",
        f"<p>{escape(say('check_text', language))}</p>",
        f"<h2>{escape(say('limits', language))}</h2>",
        "<ul>",
        *(f"<li>{escape(limit)}</li>" for limit in limits),
        "</ul>",
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return [f"<table><thead><tr>{head}</tr></thead><tbody>", *body, "</tbody></table>"]


def _list_of(rows: Sequence[tuple[str, str]]) -> list[str]:
    inside = [f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in rows]
    return ["<dl>", *inside, "</dl>"] if inside else []


def _shown(key: str, value: object) -> str:
    text = str(value)
    if key in ("consented_at", "signed_up_at"):
        day, _, hour = text.partition("T")
        return day if hour.startswith("00:00:00") else _moment(text)
    return _moment(text) if len(text) == len("2026-11-23T22:55:00.257Z") and "T" in text else text


def _moment(text: str) -> str:
    day, _, hour = text.partition("T")
    return f"{day} {hour.rstrip('Z')} UTC" if hour.endswith("Z") else text
