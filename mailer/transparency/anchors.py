"""What is anchored outside our reach, by whom, since when; and whom to trust about it (T-020, T-030).

Without an anchor the log is operator-asserted only, and everything that speaks of it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from mailer.foundation import context
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.setting_entries import WitnessAddress
from mailer.transparency.keys import list_keys, log_origin
from mailer.transparency.models import LogAnchor, LogCheckpoint, LogCosignature, LogTimestamp
from mailer.transparency.notes import read_signature
from mailer.transparency.policy import AnchorKind, Policy, format_policy, quorum_of
from mailer.transparency.publishing import Checkpoint, get_checkpoint
from mailer.transparency.sequencing import find_position
from mailer.transparency.timestamping import RENEW_BEFORE, as_der, read_roots


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A witness, and when it cosigned (UTC)."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A verified RFC 3161 time stamp of a checkpoint: `token` is the whole response (DER), `chain` PEM.

    One that `renews` another stamps the bytes of that one's token.
    """

    authority: str
    token: bytes
    gen_time: datetime
    expires_at: datetime
    chain: bytes
    renews: TimeStamp | None


@dataclass(frozen=True, slots=True)
class Anchors:
    """Who outside vouches for a checkpoint."""

    witnesses: tuple[Cosigned, ...]
    timestamps: tuple[TimeStamp, ...]
    is_enough: bool


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where a record stands: its position, the first anchored checkpoint over it, and who anchored that.

    `position` is None while it waits for one; `checkpoint` is None while no anchored checkpoint covers it.
    """

    position: int | None
    checkpoint: Checkpoint | None
    witnesses: tuple[Cosigned, ...]
    timestamps: tuple[TimeStamp, ...]

    @property
    def is_anchored(self) -> bool:
        return self.checkpoint is not None


@dataclass(frozen=True, slots=True)
class AnchorState:
    """How it goes with an anchor that is configured; `failure` is a sentence, empty when all is well."""

    name: str
    kind: AnchorKind
    asked_at: datetime | None
    answered_at: datetime | None
    next_try_at: datetime | None
    failing_since: datetime | None
    failure: str


def list_witnesses() -> list[WitnessAddress]:
    """The witnesses that are configured."""
    return list(context.settings().log_witnesses)


def quorum() -> int:
    """How many witnesses a checkpoint needs by our own policy; 0 when none is asked for."""
    chosen = context.settings()
    return quorum_of(chosen.log_quorum, len(chosen.log_witnesses))


def anchors_of(checkpoint: Checkpoint) -> Anchors:
    """Who vouches for this checkpoint, and whether that is enough by our own policy."""
    lines = db.session.scalars(
        sa.select(LogCosignature.line)
        .where(LogCosignature.checkpoint_id == checkpoint.id)
        .order_by(LogCosignature.id)
    )
    witnesses = tuple(_cosigned(line) for line in lines)
    stamps = tuple(timestamps_of(checkpoint))
    trusted = {one.name for one in list_witnesses()} & {one.name for one in witnesses}
    return Anchors(witnesses, stamps, bool(stamps) or len(trusted) >= max(quorum(), 1))


def timestamps_of(checkpoint: Checkpoint) -> list[TimeStamp]:
    """The time stamps of a checkpoint, the oldest first; renewals follow what they renew."""
    rows = db.session.scalars(
        sa.select(LogTimestamp)
        .where(LogTimestamp.checkpoint_id == checkpoint.id)
        .order_by(LogTimestamp.id)
    )
    found: dict[int, TimeStamp] = {}
    for row in rows:
        renews = found.get(row.renews_id) if row.renews_id else None
        found[row.id] = TimeStamp(
            row.authority, row.token, row.gen_time, row.expires_at, row.chain, renews
        )
    return list(found.values())


def find_anchored_checkpoint(position: int = 0) -> Checkpoint | None:
    """The first checkpoint over the leaf at `position` that is anchored; None when none is."""
    return _find_anchored(LogCheckpoint.size > position, is_newest=False)


def find_newest_anchored_checkpoint() -> Checkpoint | None:
    """The newest checkpoint that is anchored; None when none is."""
    return _find_anchored(sa.true(), is_newest=True)


def is_anchored_outside() -> bool:
    """Whether anything of the log is anchored by somebody else; if not, it is operator-asserted only."""
    return find_newest_anchored_checkpoint() is not None


def anchoring_of(public_id: str) -> Anchoring:
    """Where the leaf of a record stands: "anchored at …", or not yet (T-020)."""
    position = find_position(public_id)
    checkpoint = None if position is None else find_anchored_checkpoint(position)
    if checkpoint is None:
        return Anchoring(position, None, (), ())
    anchors = anchors_of(checkpoint)
    return Anchoring(position, checkpoint, anchors.witnesses, anchors.timestamps)


def list_anchors() -> list[AnchorState]:
    """How it goes with each witness and the authority that is configured, for the team's side."""
    chosen = context.settings()
    wanted = [(one.name, AnchorKind.WITNESS) for one in chosen.log_witnesses]
    if chosen.tsa_url:
        wanted.append((chosen.tsa_url, AnchorKind.AUTHORITY))
    rows = {row.name: row for row in db.session.scalars(sa.select(LogAnchor))}
    return [_state(name, kind, rows.get(name)) for name, kind in wanted]


def policy_text() -> str:
    """The policy by which others check our proofs; they must get it from elsewhere than the proof.

    Raises SettingsInvalid when the roots of the authority cannot be read.
    """
    chosen = context.settings()
    roots = read_roots(chosen.tsa_roots) if chosen.tsa_roots else []
    return format_policy(
        Policy(
            origin=log_origin(),
            log_vkeys=[key.vkey for key in list_keys()],
            log_url=f"{chosen.public_url}/log",
            witnesses=list_witnesses(),
            quorum=quorum(),
            tsa_roots=[as_der(root) for root in roots],
            tsa_policy=chosen.tsa_policy,
        )
    )


def _cosigned(line: str) -> Cosigned:
    signature = read_signature(line.rstrip("\n"))
    seconds = int.from_bytes(signature.body[:8], "big")
    return Cosigned(signature.name, datetime.fromtimestamp(seconds, UTC))


def _find_anchored(condition: sa.ColumnElement[bool], *, is_newest: bool) -> Checkpoint | None:
    cosignatures = (
        sa.select(sa.func.count(LogCosignature.id))
        .where(
            LogCosignature.checkpoint_id == LogCheckpoint.id,
            LogCosignature.witness.in_([one.name for one in list_witnesses()]),
        )
        .scalar_subquery()
    )
    is_any = sa.or_(sa.exists(sa.select(LogCosignature.id)), sa.exists(sa.select(LogTimestamp.id)))
    if not db.session.scalar(sa.select(is_any)):
        return None
    stamped = sa.exists().where(LogTimestamp.checkpoint_id == LogCheckpoint.id)
    order = (LogCheckpoint.size, LogCheckpoint.id)
    found = db.session.scalar(
        sa.select(LogCheckpoint.id)
        .where(condition, sa.or_(cosignatures >= max(quorum(), 1), stamped))
        .order_by(*(column.desc() if is_newest else column for column in order))
        .limit(1)
    )
    return None if found is None else get_checkpoint(found)


def _state(name: str, kind: AnchorKind, row: LogAnchor | None) -> AnchorState:
    if row is None:
        return AnchorState(name, kind, None, None, None, None, "")
    failure, since = row.failure, row.failing_since
    if not failure and kind is AnchorKind.AUTHORITY:
        failure = _ending(name)
    return AnchorState(name, kind, row.asked_at, row.answered_at, row.next_try_at, since, failure)


def _ending(authority: str) -> str:
    """A sentence when the certificates that the authority stamps with end soon, else empty."""
    end = db.session.scalar(
        sa.select(LogTimestamp.expires_at)
        .where(LogTimestamp.authority == authority)
        .order_by(LogTimestamp.id.desc())
        .limit(1)
    )
    if end is None or end > now() + RENEW_BEFORE:
        return ""
    return (
        f"Its certificates end on {end:%Y-%m-%d}, and it has no newer ones yet; older stamps can be renewed "
        "only by newer ones. Ask it, or choose another authority."
    )
