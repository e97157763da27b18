"""The consent line of one thread: asked, mail sent, confirmed, anchored, withdrawn; the same on every page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mailer import consent, receipts, transparency
from mailer.consent import ConsentState, Origin, TimelineEntry
from mailer.receipts import Thread
from mailer.web.filters import show_datetime, show_day

Station = dict[str, Any]

_ENDINGS = {
    ConsentState.WITHDRAWN: "withdrawn",
    ConsentState.INVALIDATED: "disputed",
    ConsentState.EXPIRED: "expired",
    ConsentState.TERMINATED: "ended",
}
# The station of a consent, by where it comes from; what was given elsewhere has two.
GIVEN = {Origin.FORM: "confirmed", Origin.PERMISSION: "confirmed", Origin.PREFERENCES: "given here"}
BROUGHT = "brought here"
NOT_ANCHORED = "Not yet anchored. It takes about a minute."
OPERATOR_ONLY = "Operator-asserted only: nobody else has signed the log yet."


def stations_of(thread: Thread) -> list[Station]:
    """The stations of the newest round of a thread."""
    given = thread.given
    if given is None:
        return [
            _asked(thread.entries[0]),
            _done(
                receipts.word_of(thread.newest).lower(),
                thread.newest.record.recorded_at,
                "withdrawn",
            ),
        ]
    stations = [*_before(thread, given), *_given(given)]
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
    stations = [_asked(asked)] if asked else []
    mail = ((given.payload or {}).get("evidence") or {}).get("confirmation_mail") or {}
    if mail.get("answered_at"):
        stations.append(_done("mail sent", datetime.fromisoformat(mail["answered_at"])))
    return stations


def _asked(entry: TimelineEntry) -> Station:
    """Where it began: a form that asked, or an import, which asks nobody."""
    word = BROUGHT if entry.record.state is ConsentState.UNKNOWN else "asked"
    return _done(word, entry.record.recorded_at)


def _given(given: TimelineEntry) -> list[Station]:
    origin, at = receipts.provenance_in(given).origin, receipts.given_at(given)
    if origin in GIVEN:
        return [_done(GIVEN[origin], given.record.recorded_at, "proven")]
    if origin is Origin.ELSEWHERE:
        return [elsewhere_station(at), _done(BROUGHT, given.record.recorded_at, "proven")]
    word = BROUGHT if origin is Origin.UNPROVEN else "recorded"
    return [_done(word, given.record.recorded_at)]


def elsewhere_station(at: datetime | None, detail: str = "") -> Station:
    """A consent that was given elsewhere: at a moment, on a day, or nobody knows when."""
    station: Station = {"word": "given elsewhere", "at": at, "done": True, "detail": detail}
    if at is not None and consent.is_day_only(at):
        return {**station, "at": None, "day": show_day(at)}
    return station


def _done(word: str, at: datetime, state: str | None = None) -> Station:
    station: Station = {"word": word, "at": at, "done": True}
    return {**station, "state": state} if state else station
