"""The consent line of one thread: asked, mail sent, confirmed, anchored, withdrawn; the same on every page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mailer import receipts, transparency
from mailer.consent import ConsentState, TimelineEntry
from mailer.receipts import Thread
from mailer.web.filters import show_datetime

Station = dict[str, Any]

_ENDINGS = {
    ConsentState.WITHDRAWN: "withdrawn",
    ConsentState.INVALIDATED: "disputed",
    ConsentState.EXPIRED: "expired",
    ConsentState.TERMINATED: "ended",
}
NOT_ANCHORED = "Not yet anchored. It takes about a minute."
OPERATOR_ONLY = "Operator-asserted only: nobody else has signed the log yet."


def stations_of(thread: Thread) -> list[Station]:
    """The stations of the newest round of a thread."""
    given = thread.given
    if given is None:
        first = thread.entries[0]
        return [
            _done("asked", first.record.recorded_at),
            _done(
                receipts.word_of(thread.newest).lower(),
                thread.newest.record.recorded_at,
                "withdrawn",
            ),
        ]
    word = "imported" if thread.is_imported else "confirmed"
    stations = [*_before(thread, given), _done(word, given.record.recorded_at, "proven")]
    stations.append(anchored_station(given.record.public_id))
    ended = thread.ending
    if ended is not None:
        word = _ENDINGS.get(ended.record.state, "ended")
        stations.append(_done(word, ended.record.recorded_at, "withdrawn"))
    return stations


def anchored_station(record_id: str) -> Station:
    """Whether a record stands in a signed log, and who besides the operator has seen that (T-020, T-030)."""
    anchoring = transparency.anchoring_of(record_id)
    if anchoring.checkpoint is not None:
        by = [one.name for one in anchoring.witnesses]
        by += [f"{one.authority}, {show_datetime(one.gen_time)}" for one in anchoring.timestamps]
        station = _done("anchored", anchoring.checkpoint.signed_at, "proven")
        return {**station, "seal": True, "detail": f"Seen by {'; '.join(by)}."}
    covering = (
        None
        if anchoring.position is None
        else transparency.find_checkpoint_over(anchoring.position)
    )
    if covering is None:
        return {"word": "anchored", "at": None, "done": False, "detail": NOT_ANCHORED}
    return {**_done("in the log", covering.signed_at), "detail": OPERATOR_ONLY}


def _before(thread: Thread, given: TimelineEntry) -> list[Station]:
    asked = next((one for one in thread.entries if one.record.id == given.record.follows_id), None)
    stations = [_done("asked", asked.record.recorded_at)] if asked else []
    mail = ((given.payload or {}).get("evidence") or {}).get("confirmation_mail") or {}
    if mail.get("answered_at"):
        stations.append(_done("mail sent", datetime.fromisoformat(mail["answered_at"])))
    return stations


def _done(word: str, at: datetime, state: str | None = None) -> Station:
    station: Station = {"word": word, "at": at, "done": True}
    return {**station, "state": state} if state else station
