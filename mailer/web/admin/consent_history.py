"""The ledger told to a reader: each time a person was asked, what came of it, and the texts as read then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailer import consent, lists, receipts
from mailer.consent import ConsentState, Origin, TimelineEntry
from mailer.web.admin.evidence import Leg, TextRead, read_legs, read_texts, words_of_control
from mailer.web.consent_stations import (
    BROUGHT,
    GIVEN,
    Station,
    anchored_station,
    elsewhere_station,
)

TRACKING_NAME = "Measuring opens and clicks"

_S = ConsentState
# The mark and the word of every state (look: six marks, each with its word).
STATES: dict[ConsentState, tuple[str, str]] = {
    _S.REQUESTED: ("waiting", "asked"),
    _S.GIVEN: ("proven", "given"),
    _S.RENEWED: ("proven", "given again"),
    _S.REFUSED: ("withdrawn", "left unticked"),
    _S.WITHDRAWN: ("withdrawn", "withdrawn"),
    _S.EXPIRED: ("withdrawn", "expired"),
    _S.TERMINATED: ("withdrawn", "ended by the organisation"),
    _S.INVALIDATED: ("refused", "disputed"),
    _S.UNKNOWN: ("uncertain", "brought here without proof"),
}
_GIVEN = (_S.GIVEN, _S.RENEWED)
_TOLD = (*_GIVEN, _S.UNKNOWN)  # the states that say where a consent comes from


@dataclass(frozen=True, slots=True)
class RecordShown:
    """One record with its evidence, ready to be read."""

    public_id: str
    mark: str
    word: str
    at: datetime
    commitment: str
    algorithm: str
    how: str
    control: str
    legs: list[Leg]
    texts: list[TextRead]
    is_erased: bool
    is_lost: bool
    anchor: Station


@dataclass(slots=True)
class Episode:
    """One time of asking and everything that came of it, oldest record first."""

    title: str
    entries: list[TimelineEntry] = field(default_factory=list)
    records: list[RecordShown] = field(default_factory=list)
    stations: list[dict[str, Any]] = field(default_factory=list)

    @property
    def topic(self) -> str:
        """What the receipt of it goes by."""
        list_id = self.entries[0].record.mailing_list_id
        return (
            receipts.TRACKING_TOPIC if list_id is None else lists.get_list_by_id(list_id).public_id
        )

    @property
    def state(self) -> tuple[str, str]:
        """The mark and the word of where this stands."""
        states = [entry.record.state for entry in self.entries]
        if states == [_S.REQUESTED]:
            return ("waiting", "not confirmed")
        return _state_of(self.entries[-1])


def tell_history(timeline: Sequence[TimelineEntry]) -> list[Episode]:
    """Episodes of a person, the one with the newest record first."""
    episodes: dict[int, Episode] = {}
    for entry in sorted(timeline, key=lambda entry: entry.record.id):
        record = entry.record
        earlier = episodes.get(record.follows_id or 0) or episodes.get(record.ends_id or 0)
        episode = earlier or Episode(title=_title(entry))
        episode.entries.append(entry)
        episodes[record.id] = episode
    told = {id(episode): episode for episode in episodes.values()}
    for episode in told.values():
        _complete(episode)
    return sorted(told.values(), key=lambda episode: -episode.entries[-1].record.id)


def _complete(episode: Episode) -> None:
    episode.records = [_shown(entry) for entry in episode.entries]
    episode.stations = _stations(episode)


def _title(entry: TimelineEntry) -> str:
    if entry.record.mailing_list_id is None:
        return TRACKING_NAME
    described = (entry.payload or {}).get("mailing_list") or {}
    return str(described.get("name") or lists.get_list_by_id(entry.record.mailing_list_id).name)


def _list_of(entry: TimelineEntry) -> str:
    described = (entry.payload or {}).get("mailing_list") or {}
    return str(described.get("id") or "")


def _shown(entry: TimelineEntry) -> RecordShown:
    record = entry.record
    mark, word = _state_of(entry)
    evidence = _evidence_of(entry)
    return RecordShown(
        public_id=record.public_id,
        mark=mark,
        word=word,
        at=record.recorded_at,
        commitment=record.commitment.hex(),
        algorithm=record.algorithm,
        how=consent.how(receipts.provenance_in(entry)) if record.state in _TOLD else "",
        control=words_of_control(evidence, _list_of(entry)),
        legs=read_legs(evidence),
        texts=read_texts(evidence),
        is_erased=entry.payload is None and not entry.is_lost,
        is_lost=entry.is_lost,
        anchor=anchored_station(record.public_id),
    )


def _state_of(entry: TimelineEntry) -> tuple[str, str]:
    """The mark and the word of a record, which tells a consent by where it comes from."""
    mark, word = STATES[entry.record.state]
    origin = receipts.provenance_in(entry).origin
    if entry.record.state not in _TOLD or origin in (Origin.FORM, Origin.UNRECORDED):
        return mark, word
    return mark, consent.event_of(origin)


def _stations(episode: Episode) -> list[dict[str, Any]]:
    by_state = {entry.record.state: entry for entry in episode.entries}
    first = episode.entries[0]
    given = next((by_state[state] for state in _GIVEN if state in by_state), None)
    last = episode.entries[-1].record
    if first.record.state is _S.REFUSED:
        return [
            _station("asked", first.record.recorded_at),
            _station("left unticked", first.record.recorded_at, state="withdrawn"),
        ]
    brought = _evidence_of(first).get("imported")
    if brought:
        return _imported_stations(episode, brought)
    if first.record.state in _GIVEN:
        return _given_at_once(episode)
    version = _evidence_of(first).get("form_version")
    detail = f"Version {version} of the form" if version else ""
    stations = [_station("asked", first.record.recorded_at, detail=detail)]
    if first.record.state is _S.REQUESTED:
        stations.append(_mail_station(given))
    confirmed_at = given.record.recorded_at if given else None
    stations.append(_station("confirmed", confirmed_at, state="proven" if given else "waiting"))
    if given is None and last.state is _S.REQUESTED:
        return stations
    if given is not None:
        stations.append(anchored_station(given.record.public_id))
    return [*stations, _end(episode)]


def _given_at_once(episode: Episode) -> list[dict[str, Any]]:
    """A consent that no request came before, such as one of the preference page."""
    first = episode.entries[0]
    word = GIVEN.get(receipts.provenance_in(first).origin, "recorded")
    stations = [_station(word, first.record.recorded_at, state="proven")]
    return [*stations, anchored_station(first.record.public_id), _end(episode)]


def _end(episode: Episode) -> dict[str, Any]:
    """How it ended, or that it can."""
    last = episode.entries[-1].record
    if last.state is _S.REQUESTED or last.state in _GIVEN:
        return _station("withdrawn", None)
    word = STATES[last.state][1]
    kind = "refused" if last.state is _S.INVALIDATED else "withdrawn"
    return _station(word, last.recorded_at, state=kind, detail=_how(episode))


def _imported_stations(episode: Episode, brought: dict[str, Any]) -> list[dict[str, Any]]:
    """A consent that was given elsewhere, or one that nobody could show."""
    first, last = episode.entries[0].record, episode.entries[-1].record
    source = str(brought.get("source") or "")
    stations = [_station(BROUGHT, first.recorded_at, detail=str(brought.get("importer") or ""))]
    if first.state in _GIVEN:
        at = _moment(brought.get("consented_at"))
        stations.insert(0, elsewhere_station(at, detail=source))
    else:
        given = next((one for one in episode.entries if one.record.state in _GIVEN), None)
        confirmed_at = given.record.recorded_at if given else None
        kind = "proven" if given else "waiting"
        stations += [_mail_station(given), _station("confirmed", confirmed_at, state=kind)]
    if last.state in _GIVEN:
        stations.append(anchored_station(last.public_id))
    elif last is not first:
        stations.append(_end(episode))
    return stations


def _mail_station(given: TimelineEntry | None) -> dict[str, Any]:
    mail = (_evidence_of(given) if given else {}).get("confirmation_mail") or {}
    if given is not None and not mail:
        # The mail arrived, or nobody could have confirmed; only its reply is not known.
        return {**_station("mail sent", None), "done": True}
    at = _moment(mail.get("answered_at"))
    if mail.get("outcome") == "refused":
        return _station("mail refused", at, state="refused", detail=str(mail.get("reply_text", "")))
    relay = str(mail.get("relay") or "").partition(":")[0]
    return _station("mail sent", at, detail=f"Taken by {relay}" if relay else "")


def _how(episode: Episode) -> str:
    return str(_evidence_of(episode.entries[-1]).get("method") or "")


def _evidence_of(entry: TimelineEntry) -> dict[str, Any]:
    return (entry.payload or {}).get("evidence") or {}


def _station(
    word: str, at: datetime | None, *, state: str = "", detail: str = ""
) -> dict[str, Any]:
    station: dict[str, Any] = {"word": word, "at": at, "done": at is not None, "detail": detail}
    return {**station, "state": state} if state else station


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
