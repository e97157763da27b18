"""Claiming: the next people of a campaign come into one owner's hand, after being asked about once more.

Who has not had a turn yet is taken as a range of contacts: one row says so for a whole batch, and theirs
are written only when something became of them. Who comes back is taken one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from mailer.campaigns import Against, Held, verdict_of
from mailer.delivery import holding, owners
from mailer.delivery.recipients import KEY_PREFIX, Recipient
from mailer.delivery.verdicts import IS_FIRST, SELECT, SELECT_COUNTED
from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.foundation.context import settings

FEWEST = 50  # people of a batch that is shared out
NOBODY: Final[Mapping[str, datetime]] = MappingProxyType({})
__all__ = ["KEY_PREFIX", "Claim", "Recipient", "claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim brought: people to write to, and how many are left out or held back."""

    recipients: Sequence[Recipient]
    skipped: int
    held: int = 0

    @property
    def is_empty(self) -> bool:
        return not self.recipients and not self.skipped and not self.held


class _Campaign(NamedTuple):
    claimed_through: int
    planned_through: int
    planned_at: Any
    started_at: Any
    counts_clicks: Any

    @property
    def select(self) -> str:
        return SELECT_COUNTED if self.counts_clicks else SELECT


def claim(
    campaign_id: int, owner: str, *, limit: int, blocked: Mapping[str, datetime] = NOBODY
) -> Claim:
    """Take up to `limit` due people of a campaign for `owner`; each delivery has one owner at a time.

    The statement that reads them asks about consent record, membership, suppression, restriction, pause
    and frequency (C-061). Who must not be written to becomes skipped with the reason, or is held back; who
    may is noted with the record that allows it; whose clicks may be counted is asked in it too, where the
    campaign counts them. Who is to be written to at a destination that is `blocked`
    waits until then. Nothing is taken unless the campaign is being sent. Towards the end of a campaign fewer
    are taken, so that all workers end together.
    """
    campaign = _lock(campaign_id)
    if campaign is None:
        return Claim([], 0)
    limit = _fair_share(campaign, limit)
    moment = now()
    driver.prefer(off="seqscan hashjoin mergejoin bitmapscan sort")
    judged = _Judged(campaign_id, moment, blocked, counts_clicks=bool(campaign.counts_clicks))
    loose = _read_loose(campaign.select, campaign_id, moment, limit)
    judged.take(loose, 0)
    if judged.recipients:
        driver.execute_each(
            "UPDATE deliveries SET state = 'claimed', owner = ?, due_at = NULL WHERE id = ?",
            [(owner, one.delivery_id) for one in judged.recipients],
        )
    if len(loose) < limit:
        missing = limit - len(loose)
        first = _read_first(campaign.select, campaign_id, campaign.claimed_through, missing)
        if first:
            batch_id = _open_batch(campaign_id, owner, campaign.claimed_through, first)
            before = len(judged.recipients)
            judged.take(first, batch_id)
            if len(judged.recipients) == before:
                driver.execute("DELETE FROM sending_batches WHERE id = ?", (batch_id,))
    judged.write(campaign.started_at)
    if judged.recipients:
        owners.be_alive(owner)
    return Claim(judged.recipients, len(judged.skipped), len(judged.held) + len(judged.blocked))


class _Judged:
    """Rows of SELECT, sorted by what may become of them."""

    def __init__(
        self,
        campaign_id: int,
        moment: datetime,
        blocked: Mapping[str, datetime],
        *,
        counts_clicks: bool,
    ) -> None:
        self.recipients: list[Recipient] = []
        self.skipped: list[tuple[int, Against]] = []
        self.held: list[tuple[int, Held]] = []
        self.blocked: list[tuple[int, datetime]] = []
        self._allowed_by: list[tuple[int, int]] = []
        self._campaign_id = campaign_id
        self._moment = moment
        self._blocked = blocked
        self._counts_clicks = counts_clicks
        self._not_counted: list[tuple[int]] = []

    def take(self, rows: Iterable[Any], batch_id: int) -> None:
        """Judge `rows`, which belong to one batch, or to none."""
        campaign_id, moment, add = self._campaign_id, self._moment, self.recipients.append
        # Asked for here: kept in self, it would keep all of this until the collector comes by.
        make = self._counted if self._counts_clicks else _recipient
        blocked = self._blocked
        for row in rows:
            if row[1] is not None or row[2] is not None or row[3] is not None:
                verdict = verdict_of(row[1:6], moment)
                if isinstance(verdict, Held):
                    self.held.append((row[0], verdict))
                    continue
                if verdict is not None:
                    self.skipped.append((row[0], verdict))
                    continue
            if blocked and row[18] in blocked:
                self.blocked.append((row[0], blocked[row[18]]))
                continue
            if row[6] != row[7]:
                self._allowed_by.append((row[7], row[0]))
            add(make(campaign_id, row, batch_id))

    def write(self, started_at: Any) -> None:
        """Write down what was found, but for what is in the batch already."""
        holding.skip(self.skipped, self._moment)
        holding.postpone(self.blocked)
        holding.hold(self.held, driver.moment_out(started_at), self._moment)
        driver.execute_each(
            "UPDATE deliveries SET consent_record_id = ? WHERE id = ?", self._allowed_by
        )
        driver.execute_each(
            "UPDATE deliveries SET tracking_record_id = NULL WHERE id = ?", self._not_counted
        )

    def _counted(self, campaign_id: int, row: Any, batch_id: int) -> Recipient:
        """Who is written to, and whether their clicks may be counted now (C-101)."""
        *rest, record_id, stands = row
        if record_id is not None and not stands:
            self._not_counted.append((row[0],))
        return _recipient(campaign_id, rest, batch_id)._replace(is_counted=bool(stands))


def _lock(campaign_id: int) -> _Campaign | None:
    """The campaign, if it is being sent; nobody else claims of it until the transaction ends."""
    query = (
        "SELECT claimed_through, planned_through, planned_at, started_at, counts_clicks FROM campaigns"
        " WHERE id = ? AND state = 'sending'"
    )
    if driver.is_postgresql():
        query += " FOR NO KEY UPDATE"
    row = driver.execute(query, (campaign_id,)).first()
    return None if row is None else _Campaign(*row)


def _fair_share(campaign: _Campaign, limit: int) -> int:
    """No more than one worker's part of what is left; row ids of contacts say how much that is at most."""
    workers = settings().worker_count
    if workers < 2 or campaign.planned_at is None:  # who is alone takes what there is
        return limit
    left = campaign.planned_through - campaign.claimed_through
    return min(limit, max(FEWEST, left // workers))


def _read_loose(select: str, campaign_id: int, moment: datetime, limit: int) -> driver.Rows:
    query = (
        f"{select} WHERE d.campaign_id = ? AND d.due_at IS NOT NULL AND d.due_at <= ?"
        f" AND (d.state || '') IN ('planned', 'deferred', 'held')"
        f" ORDER BY d.due_at, d.id LIMIT {int(limit)}"
    )
    if driver.is_postgresql():
        query += " FOR UPDATE OF d SKIP LOCKED"
    return driver.read_rows(query, (campaign_id, driver.moment_in(moment)))


def _read_first(select: str, campaign_id: int, after: int, limit: int) -> driver.Rows:
    query = (
        f"{select} WHERE d.campaign_id = ? AND d.contact_id > ?"
        f" AND {IS_FIRST} ORDER BY d.contact_id LIMIT {int(limit)}"
    )
    return driver.read_rows(query, (campaign_id, after))


def _open_batch(campaign_id: int, owner: str, after: int, rows: driver.Rows) -> int:
    through = rows[-1][17]
    driver.execute("UPDATE campaigns SET claimed_through = ? WHERE id = ?", (through, campaign_id))
    opened = driver.execute(
        "INSERT INTO sending_batches (campaign_id, owner, after_contact_id, through_contact_id)"
        " VALUES (?, ?, ?, ?) RETURNING id",
        (campaign_id, owner, after, through),
    )
    return int(opened.scalar_one())


def _recipient(campaign_id: int, row: Any, batch_id: int) -> Recipient:
    (
        delivery_id, _, _, _, _, _, _, proof_id, recorded_at, attempts, public_id, address, first_name,
        last_name, language, fields, list_id, contact_id, destination, tried_at, origin, facts,
    ) = row  # fmt: skip
    values: dict[str, object] = _fields(fields)
    values["first_name"] = first_name
    values["last_name"] = last_name
    values["email"] = address
    values["language"] = language
    return Recipient(
        delivery_id,
        campaign_id,
        attempts,
        public_id,
        address,
        f"{first_name} {last_name}".strip(),
        values,
        list_id,
        driver.moment_out(recorded_at),
        contact_id,
        proof_id,
        destination,
        None if tried_at is None else driver.moment_out(tried_at),
        batch_id,
        False,
        origin,
        facts,
    )


def _fields(given: str) -> dict[str, object]:
    """A form's own fields, which are read as text, for most hold nothing."""
    return {} if given == "{}" else dict(json.loads(given))
