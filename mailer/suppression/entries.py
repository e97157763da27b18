"""Entering and asking."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.organisations import Organisation
from mailer.suppression.models import SuppressionEntry
from mailer.suppression.states import Reason, Scope

LONGEST_REASON = 1_000


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


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mailbox said for good that it does not exist; `consented_at` is of the consent that was mailed on."""

    organisation_id: int
    digest: str
    at: datetime
    consented_at: datetime | None = None


def suppress_bounced(bounces: Collection[Bounce]) -> None:
    """Send no campaigns to addresses that bounced (E-083); consent and membership stay (E-087).

    Twice the same changes nothing, nor one for whom an earlier bounce stands already.
    """
    known: dict[tuple[int, str], list[list[Any]]] = {}
    for organisation_id, digest, *moments in db.session.execute(
        sa.select(
            SuppressionEntry.organisation_id,
            SuppressionEntry.address_digest,
            SuppressionEntry.created_at,
            SuppressionEntry.lifted_at,
        ).where(
            SuppressionEntry.organisation_id.in_({one.organisation_id for one in bounces}),
            SuppressionEntry.address_digest.in_({one.digest for one in bounces}),
            SuppressionEntry.reason == Reason.BOUNCE,
        )
    ):
        known.setdefault((organisation_id, digest), []).append(moments)
    new = {
        (one.organisation_id, one.digest): one
        for one in bounces
        if not any(
            at == one.at
            or (lifted is None and (one.consented_at is None or at >= one.consented_at))
            for at, lifted in known.get((one.organisation_id, one.digest), ())
        )
    }
    if new:
        db.session.execute(
            sa.insert(SuppressionEntry),
            [
                {
                    "organisation_id": one.organisation_id,
                    "address_digest": one.digest,
                    "scope": Scope.MARKETING,
                    "reason": Reason.BOUNCE,
                    "created_at": one.at,
                }
                for one in new.values()
            ],
        )


def take_back_bounces(bounces: Collection[Bounce]) -> None:
    """Let campaigns go on to addresses whose bounces turned out to be about us; nothing else is lifted."""
    were = {(one.organisation_id, one.digest, one.at) for one in bounces}
    standing = db.session.execute(
        sa.select(
            SuppressionEntry.id,
            SuppressionEntry.organisation_id,
            SuppressionEntry.address_digest,
            SuppressionEntry.created_at,
        ).where(
            SuppressionEntry.organisation_id.in_({one.organisation_id for one in bounces}),
            SuppressionEntry.address_digest.in_({one.digest for one in bounces}),
            SuppressionEntry.reason == Reason.BOUNCE,
            SuppressionEntry.lifted_at.is_(None),
        )
    )
    ids = [entry_id for entry_id, *one in standing if tuple(one) in were]
    if ids:
        db.session.execute(
            sa.update(SuppressionEntry).where(SuppressionEntry.id.in_(ids)).values(lifted_at=now())
        )


def lift_bounce(organisation: Organisation, digest: str, because: str) -> None:
    """Let campaigns go to an address again that bounced; what the person stopped stays stopped (E-087).

    Raises Invalid without a reason, NotAllowed when no bounce stands against it.
    """
    if not because.strip() or len(because) > LONGEST_REASON:
        sentence = f"Please say how you know that it works, in up to {LONGEST_REASON:,} characters."
        raise Invalid(sentence, {"because": sentence})
    if not lift(organisation, digest, reason=Reason.BOUNCE):
        raise NotAllowed("No bounce stands against this address.")


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


def find_entry(public_id: str) -> SuppressionEntry | None:
    """The entry with this public id, lifted or not."""
    return db.session.scalar(
        sa.select(SuppressionEntry).where(SuppressionEntry.public_id == public_id)
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


def lift(
    organisation: Organisation, digest: str, *, reason: Reason, since: datetime | None = None
) -> int:
    """Lift what stands for one reason, such as what their own link put there (C-083); returns how many.

    With `since` only what was entered at that moment or later.
    """
    lifted = db.session.execute(
        sa.update(SuppressionEntry)
        .where(
            SuppressionEntry.organisation_id == organisation.id,
            SuppressionEntry.address_digest == digest,
            SuppressionEntry.reason == reason,
            SuppressionEntry.lifted_at.is_(None),
            *([SuppressionEntry.created_at >= since] if since is not None else ()),
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
