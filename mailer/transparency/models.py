"""Tables of the log. Leaves, checkpoints and anchors are never changed or deleted: the database refuses.

Nothing here is personal: a leaf holds a pseudonym of the organisation, the id of a record, and a salted
commitment (T-004).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailer.foundation.clock import now
from mailer.foundation.database import Model, RowId


class WaitingLeaf(Model):
    """A leaf without a position yet; goes once it stands in the log, and only then.

    `kind` is the leaf's type; without an organisation it concerns the log itself.
    """

    __tablename__ = "log_queue"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    public_id: Mapped[str] = mapped_column(sa.String(40), unique=True)
    organisation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organisations.id"))
    algorithm: Mapped[str] = mapped_column(sa.String(40))
    commitment: Mapped[bytes] = mapped_column(sa.LargeBinary)
    happened_at: Mapped[datetime] = mapped_column(default=now)


class LogEntry(Model):
    """A leaf at its position, from 0 without gaps (T-011)."""

    __tablename__ = "log_entries"

    position: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    public_id: Mapped[str] = mapped_column(sa.String(40), unique=True)
    leaf: Mapped[bytes] = mapped_column(sa.LargeBinary)


class LogTile(Model):
    """Up to 256 hashes of the tree side by side, as tlog-tiles names them; only ever grows."""

    __tablename__ = "log_tiles"

    level: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(sa.LargeBinary)


class LogCheckpoint(Model):
    """A root that the log has signed: the note with the log's own signatures."""

    __tablename__ = "log_checkpoints"
    __table_args__ = (sa.Index(None, "size"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(RowId)
    root: Mapped[bytes] = mapped_column(sa.LargeBinary)
    note: Mapped[str] = mapped_column(sa.Text)
    signed_at: Mapped[datetime]


class LogCosignature(Model):
    """The line by which a witness says that it saw a checkpoint and found it consistent (T-030)."""

    __tablename__ = "log_cosignatures"
    __table_args__ = (sa.UniqueConstraint("checkpoint_id", "witness"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    checkpoint_id: Mapped[int] = mapped_column(sa.ForeignKey("log_checkpoints.id"))
    witness: Mapped[str] = mapped_column(sa.String(200))
    line: Mapped[str] = mapped_column(sa.Text)
    received_at: Mapped[datetime] = mapped_column(default=now)


class LogTimestamp(Model):
    """What a time-stamp authority answered for a checkpoint (RFC 3161, T-031, T-032).

    `token` is the whole response, DER; `chain` its certificates as PEM and `revocation` what was known of
    their revocation when it came. The first of the chain to end does so at `expires_at`. One that `renews`
    another stamps that one's token instead of the note.
    """

    __tablename__ = "log_timestamps"
    __table_args__ = (sa.Index(None, "checkpoint_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    checkpoint_id: Mapped[int] = mapped_column(sa.ForeignKey("log_checkpoints.id"))
    authority: Mapped[str] = mapped_column(sa.String(500))
    token: Mapped[bytes] = mapped_column(sa.LargeBinary)
    chain: Mapped[bytes] = mapped_column(sa.LargeBinary, default=b"")
    revocation: Mapped[bytes] = mapped_column(sa.LargeBinary, default=b"")
    gen_time: Mapped[datetime]
    expires_at: Mapped[datetime]
    renews_id: Mapped[int | None] = mapped_column(sa.ForeignKey("log_timestamps.id"), unique=True)
    received_at: Mapped[datetime] = mapped_column(default=now)


class LogAnchor(Model):
    """How it goes with a witness or an authority: when it was asked, when it answered, what is wrong.

    `known_size` is how far a witness has come, as far as we know; `failure` a sentence, empty when all is well.
    """

    __tablename__ = "log_anchors"

    name: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    known_size: Mapped[int | None] = mapped_column(RowId)
    asked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(sa.Text, default="")
    failures: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]


class LogKey(Model):
    """A public key the log has ever signed with; `until` is when it stopped."""

    __tablename__ = "log_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(300))
    vkey: Mapped[str] = mapped_column(sa.String(500), unique=True)
    since: Mapped[datetime] = mapped_column(default=now)
    until: Mapped[datetime | None]


class LogAlarm(Model):
    """What the log keeper refuses to do or cannot do, from when to when; one open alarm of a kind."""

    __tablename__ = "log_alarms"
    __table_args__ = (
        sa.Index(
            "ix_log_alarms_open",
            "kind",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    message: Mapped[str] = mapped_column(sa.Text)
    raised_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
