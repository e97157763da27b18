"""Looking at a campaign from outside while it is maltreated: figures, outcomes, and what arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from mailer.campaigns import Campaign, CampaignState
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState
from mailer.foundation.database import db
from tests.support.counting_smtp import CountingSmtp

FINAL = {
    DeliveryState.ACCEPTED,
    DeliveryState.REFUSED,
    DeliveryState.SKIPPED,
    DeliveryState.UNCERTAIN,
}


@dataclass
class Watch:
    """A campaign to so many people. Every look asserts what has to hold at every moment."""

    campaign: Campaign
    people: int

    def look(self) -> tuple[CampaignState, Counter[DeliveryState]]:
        """State and figures of one moment."""
        db.session.rollback()
        rows = db.session.execute(
            sa.select(Campaign.state, Delivery.state, sa.func.count(Delivery.id))
            .select_from(Campaign)
            .outerjoin(Delivery, Delivery.campaign_id == Campaign.id)
            .where(Campaign.id == self.campaign.id)
            .group_by(Campaign.state, Delivery.state)
        ).all()
        db.session.rollback()
        state = CampaignState(rows[0][0])
        figures = Counter({DeliveryState(row[1]): row[2] for row in rows if row[1] is not None})
        # Fewer only before the one slice that plans everybody is committed.
        assert figures.total() in (0, self.people)
        if state is CampaignState.SENT:
            assert figures.total() == self.people
            assert set(figures) <= FINAL
        return state, figures

    @property
    def is_sent(self) -> bool:
        return self.look()[0] is CampaignState.SENT

    @property
    def uncertain(self) -> int:
        return self.look()[1][DeliveryState.UNCERTAIN]

    def people_in(self, *states: DeliveryState) -> set[str]:
        """The addresses whose delivery is in one of `states`."""
        db.session.rollback()
        query = (
            sa.select(Contact.address)
            .join(Delivery, Delivery.contact_id == Contact.id)
            .where(Delivery.campaign_id == self.campaign.id, Delivery.state.in_(states))
        )
        found = {str(address) for address in db.session.scalars(query)}
        db.session.rollback()
        return found

    def assert_nobody_lost_or_doubled(self, receiver: CountingSmtp) -> None:
        """Everybody has one outcome, nobody was mailed twice, and what arrived is known or uncertain."""
        state, figures = self.look()
        assert state is CampaignState.SENT
        assert figures.total() == self.people
        self.assert_nobody_doubled(receiver)

    def assert_nobody_doubled(self, receiver: CountingSmtp) -> None:
        arrived = receiver.arrived
        assert not arrived or max(arrived.values()) == 1
        taken = {dot.recipient for dot in receiver.dots if dot.code == 250}
        accepted = self.people_in(DeliveryState.ACCEPTED)
        assert accepted <= taken
        assert taken - accepted <= self.people_in(DeliveryState.UNCERTAIN)


def in_hand() -> int:
    """How many rows, batches and owners say that somebody is at work."""
    db.session.rollback()
    queries = (
        "SELECT count(*) FROM deliveries WHERE state = 'claimed'",
        "SELECT count(*) FROM sending_batches",
    )
    found = sum(int(db.session.scalar(sa.text(query)) or 0) for query in queries)
    db.session.rollback()
    return found


@contextmanager
def counted_while_writing() -> Iterator[list[str]]:
    """The statements inside that count an audience in a transaction which keeps others from writing."""
    found: list[str] = []

    def note(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if "row_number()" in statement and connection.get_execution_options().get("write"):
            found.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
