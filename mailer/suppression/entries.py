"""Entering and asking."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.organisations import Organisation
from mailer.suppression.models import SuppressionEntry
from mailer.suppression.states import Reason, Scope


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


def find_blocked(people: Collection[tuple[int, str]], *, scope: Scope) -> set[tuple[int, str]]:
    """Those of `people` (row id of the organisation, digest) for whom an entry of exactly this scope stands."""
    organisations = {organisation for organisation, _ in people}
    digests = {digest for _, digest in people}
    found = driver.read_rows(
        "SELECT organisation_id, address_digest FROM suppression_entries"  # noqa: S608  # made of constants and marks
        f" WHERE organisation_id IN ({driver.marks(len(organisations))})"
        f" AND address_digest IN ({driver.marks(len(digests))}) AND scope = ? AND lifted_at IS NULL",
        (*organisations, *digests, scope.value),
    )
    return {(organisation, digest) for organisation, digest in found}.intersection(people)


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
