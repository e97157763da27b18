"""A receiver that refuses, refuses for now, vanishes after the final dot, and closes in mid-stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from mailer.campaigns import CampaignState
from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.counting_smtp import CountingSmtp
from tests.support.make_audience import make_people
from tests.support.make_campaigns import make_started
from tests.support.waiting import wait_for
from tests.support.watching import Watch, in_hand

PATIENCE = 120.0
READERS, FEW, BUSY = 300, 12, 3
SLOW_DOMAIN = "busy.example.net"


@pytest.fixture
def receiver(service: RealParts) -> Iterator[CountingSmtp]:
    """One that also gives every connection up after fifty mails, with 421 to the next one's MAIL."""
    with CountingSmtp(service.directory, mails_per_connection=50) as receiver:
        service.environ["MAILER_SMTP_PORT"] = str(receiver.port)
        yield receiver


def let_time_pass() -> None:
    """Whoever waits for a later try, or for a destination that asked us to wait, is due."""
    with unit_of_work():
        db.session.execute(
            sa.text("UPDATE deliveries SET due_at = :past WHERE due_at > :past"),
            {"past": now() - timedelta(seconds=1)},
        )
        db.session.execute(sa.text("DELETE FROM destination_states"))
    waking.wake_drains()


@pytest.mark.requirement("E-084")
@pytest.mark.requirement("E-085")
@pytest.mark.requirement("E-093")
@pytest.mark.requirement("E-065")
def test_refusals_of_every_kind_end_as_they_should_and_the_figures_add_up(
    service: RealParts, redis_server: EmbeddedRedis, receiver: CountingSmtp
) -> None:
    make_people(service.mailing_list, READERS)
    kinds = ("refused", "unwanted", "later", "vanish")
    of_kind = {kind: make_people(service.mailing_list, FEW, prefix=kind) for kind in kinds}
    busy = make_people(service.mailing_list, BUSY, prefix="busy", domain=SLOW_DOMAIN)
    people = READERS + len(kinds) * FEW + BUSY
    watch = Watch(make_started(service.organisation, service.mailing_list), people)
    settled = {DeliveryState.REFUSED: 2 * FEW, DeliveryState.UNCERTAIN: FEW}
    with service.worker("--queue", "bulk") as worker:
        # Those who are refused for now, and a destination that wants us slower, hold up nobody else.
        wait_for(
            lambda: (
                waking.wake_drains()
                or (
                    settled.items() <= watch.look()[1].items()
                    and watch.look()[1][DeliveryState.ACCEPTED] >= READERS
                )
            ),
            timeout=PATIENCE,
        )
        state, figures = watch.look()
        assert state is CampaignState.SENDING
        assert figures[DeliveryState.DEFERRED] == FEW
        # The destination that wanted us slower is asked again after a minute, by itself.
        waiting = figures[DeliveryState.ACCEPTED] + figures[DeliveryState.PLANNED]
        assert waiting == READERS + BUSY
        wait_for(lambda: let_time_pass() or watch.is_sent, timeout=PATIENCE)
        assert worker.stop(timeout=PATIENCE) == 0
    assert watch.look()[1] == settled | {DeliveryState.ACCEPTED: READERS + FEW + BUSY}
    assert watch.people_in(DeliveryState.UNCERTAIN) == set(of_kind["vanish"])
    assert watch.people_in(DeliveryState.REFUSED) == {*of_kind["refused"], *of_kind["unwanted"]}
    taken = Counter(dot.recipient for dot in receiver.dots if dot.code == 250)
    assert set(taken) == watch.people_in(DeliveryState.ACCEPTED)
    assert set(taken.values()) == {1}
    # A refusal for good is never tried again, nor is what may have arrived.
    others = Counter(dot.recipient for dot in receiver.dots if dot.code != 250)
    assert others == Counter([*of_kind["unwanted"], *of_kind["vanish"], *busy])
    assert in_hand() == 0
