"""What a record tells besides the ledger: notices, the form's fields, the log, the installation."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from mailer import consent, transparency
from mailer.consent import Notice
from mailer.foundation.clock import iso
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.organisations import page_url
from mailer.receipts.threads import Thread
from mailer.signup import SignupRequest

_NAMES = {"first_name": "First name", "last_name": "Last name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSeen:
    """A version of the privacy notice, with its public address."""

    url: str
    number: int
    published_on: str
    language: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A kind of data the organisation holds about the person: a term of the vocabulary, a name."""

    term: str
    title: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """The log as it stands now; without a checkpoint nothing is anchored yet (T-020)."""

    origin: str
    size: int = 0
    root: str = ""
    note: str = ""
    signed_at: str = ""
    witnesses: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything a record needs besides its thread. `notices` go by the SHA-256 of their text, `positions`
    by the id of a record, `request_days` (how long a request waits) by the id of the signup request.
    """

    public_url: str
    withdrawal_url: (
        str  # the organisation's page: a document that others read holds no link of a person
    )
    log: LogView
    storage_countries: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    notices: Mapping[str, NoticeSeen] = field(default_factory=dict)
    current_notice: NoticeSeen | None = None
    positions: Mapping[str, int] = field(default_factory=dict)
    request_days: Mapping[str, int] = field(default_factory=dict)


def gather(thread: Thread) -> Surroundings:
    """What `thread` needs to be told as a record."""
    notices = {
        notice.text_sha256: _seen(thread, notice)
        for notice in reversed(consent.list_notices(thread.organisation))
    }
    current = consent.current_notice(thread.organisation)
    ids = [entry.record.public_id for entry in thread.entries]
    found = ((public_id, transparency.find_position(public_id)) for public_id in ids)
    positions = {public_id: at for public_id, at in found if at is not None}
    return Surroundings(
        public_url=settings().public_url,
        withdrawal_url=page_url(thread.organisation.public_id),
        log=look_at_log(positions.values()),
        storage_countries=settings().storage_countries,
        answers=_answers(thread),
        notices=notices,
        current_notice=notices[current.text_sha256] if current else None,
        positions=positions,
        request_days=_request_days(thread),
    )


def look_at_log(positions: Collection[int] = ()) -> LogView:
    """The checkpoint that says most: the newest, unless only an older one over `positions` is anchored outside.

    A receipt is the stronger for what others have signed, and they need a moment for the newest.
    """
    origin = settings().log_origin
    newest = transparency.find_latest_checkpoint()
    if newest is None:
        return LogView(origin=origin)
    anchors = transparency.anchors_of(newest)
    if not (anchors.witnesses or anchors.timestamps) and positions:
        anchored = transparency.find_anchored_checkpoint(max(positions))
        if anchored is not None:
            newest, anchors = anchored, transparency.anchors_of(anchored)
    return LogView(
        origin=origin,
        size=newest.size,
        root=b64encode(newest.root).decode(),
        note=transparency.published_note(newest),
        signed_at=iso(newest.signed_at),
        witnesses=tuple(one.name for one in anchors.witnesses),
        stamps=tuple(f"{one.authority} {iso(one.gen_time)}" for one in anchors.timestamps),
    )


def submission_of(payload: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The evidence of the form behind a record, or what stands in its place."""
    evidence = (payload or {}).get("evidence") or {}
    return evidence.get("submission") or evidence


def _seen(thread: Thread, notice: Notice) -> NoticeSeen:
    path = f"/notice/{thread.organisation.public_id}/{notice.number}"
    return NoticeSeen(
        url=settings().public_url + path,
        number=notice.number,
        published_on=iso(notice.published_at),
        language=consent.read_notice(notice).language,
        sha256=notice.text_sha256,
    )


def _answers(thread: Thread) -> tuple[Answer, ...]:
    """The kinds of data that are held, never the data."""
    contact = thread.contact
    required = _required_fields(thread)
    found = [Answer(term="pd:EmailAddress", title="E-mail address", is_required=True)]
    found += [
        Answer(term="pd:Name", title=title, is_required=key in required)
        for key, title in _NAMES.items()
        if getattr(contact, key)
    ]
    found += [
        Answer(
            term="dpv:ProvidedPersonalData",
            title=key.replace("_", " ").capitalize(),
            is_required=key in required,
        )
        for key, value in sorted(contact.fields.items())
        if value
    ]
    return tuple(found)


def _required_fields(thread: Thread) -> set[str]:
    """Which answers the forms of this thread demanded, from the forms as they were shown."""
    required: set[str] = set()
    for entry in thread.entries:
        sha256 = submission_of(entry.payload).get("definition_sha256")
        if not sha256:
            continue
        try:
            shown = json.loads(consent.get_text(sha256).body)
        except (NotFound, ValueError):
            continue
        fields = shown.get("definition", {}).get("fields", ())
        required |= {item["key"] for item in fields if item.get("is_required")}
    return required


def _request_days(thread: Thread) -> dict[str, int]:
    names = {submission_of(entry.payload).get("request") for entry in thread.entries} - {None}
    requests = db.session.scalars(
        sa.select(SignupRequest).where(SignupRequest.public_id.in_(names))
    )
    return {
        one.public_id: round((one.expires_at - one.requested_at) / timedelta(days=1))
        for one in requests
    }
