"""Entering and asking."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

import sqlalchemy as sa

from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.organisations import Organisation
from mailer.suppression.models import SuppressionEntry
from mailer.suppression.states import Reason, Scope

_ENTRIES: Final = cast("sa.Table", SuppressionEntry.__table__)
# Built once: it is asked at every signup.
_IS_BLOCKED: Final = (
    sa.select(_ENTRIES.c.id)
    .where(
        _ENTRIES.c.organisation_id == sa.bindparam("organisation"),
        _ENTRIES.c.address_digest == sa.bindparam("digest"),
        _ENTRIES.c.scope == sa.bindparam("scope"),
        _ENTRIES.c.lifted_at.is_(None),
    )
    .limit(1)
)


def suppress(
    organisation: Organisation,
    digest: str,
    *,
    scope: Scope,
    reason: Reason,
    at: datetime | None = None,
) -> SuppressionEntry:
    """Stop mail to the address with this digest (C-080, C-082); `at` is when that was asked for, else now."""
    entry = SuppressionEntry(
        organisation_id=organisation.id,
        address_digest=digest,
        scope=scope,
        reason=reason,
        created_at=at or now(),
    )
    db.session.add(entry)
    db.session.flush()
    return entry


def find_blocking(
    organisation: Organisation, digest: str, *, scope: Scope
) -> SuppressionEntry | None:
    """An entry of exactly this scope that stands for the address, if any."""
    return db.session.scalar(
        sa.select(SuppressionEntry)
        .where(
            SuppressionEntry.organisation_id == organisation.id,
            SuppressionEntry.address_digest == digest,
            SuppressionEntry.scope == scope,
            SuppressionEntry.lifted_at.is_(None),
        )
        .order_by(SuppressionEntry.id.desc())
        .limit(1)
    )


def is_blocked(organisation: Organisation, digest: str, *, scope: Scope) -> bool:
    """Whether an entry of exactly this scope stands for the address; as `find_blocking`, and quicker."""
    given = {"organisation": organisation.id, "digest": digest, "scope": scope}
    return db.session.connection().execute(_IS_BLOCKED, given).first() is not None


def lift(organisation: Organisation, digest: str, *, reason: Reason) -> int:
    """Lift what the person put there themselves, by their own link (C-083); returns how many entries."""
    lifted = db.session.execute(
        sa.update(SuppressionEntry)
        .where(
            SuppressionEntry.organisation_id == organisation.id,
            SuppressionEntry.address_digest == digest,
            SuppressionEntry.reason == reason,
            SuppressionEntry.lifted_at.is_(None),
        )
        .values(lifted_at=now())
        .returning(SuppressionEntry.id)
    )
    return len(lifted.all())


def list_entries(organisation: Organisation, digest: str) -> list[SuppressionEntry]:
    """All entries about an address, newest first, lifted ones included."""
    return list(
        db.session.scalars(
            sa.select(SuppressionEntry)
            .where(
                SuppressionEntry.organisation_id == organisation.id,
                SuppressionEntry.address_digest == digest,
            )
            .order_by(SuppressionEntry.id.desc())
        )
    )
