"""Several workers, as on hosts of their own, on one PostgreSQL: one is killed, one is cut off, and together
they keep to one rate.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from mailer import campaigns, delivery, destinations
from mailer.campaigns import CampaignState
from mailer.delivery import DeliveryState
from mailer.destinations import LimitDraft, LimitKind
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.queue import is_up
from mailer.jobs import waking
from tests.jobs.conftest import RealParts
from tests.support.cable import Cable, lay_cable
from tests.support.counting_smtp import CountingSmtp, Dot
from tests.support.make_audience import contact_of
from tests.support.make_campaigns import deliveries_of, fresh
from tests.support.processes import pids_marked
from tests.support.redis_server import run_redis
from tests.support.waiting import wait_for
from tests.support.watching import Watch, in_hand
from tests.support.worker_process import WorkerProcess

CONNECTIONS, PATIENCE = 4, 120.0
PEOPLE, ANSWERED = 900, 40
ACCEPTED, UNCERTAIN = DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN
PLANNED, CLAIMED = DeliveryState.PLANNED, DeliveryState.CLAIMED
IN_HAND = """
SELECT c.address FROM sending_batches b
JOIN deliveries d ON d.campaign_id = b.campaign_id
  AND d.contact_id > b.after_contact_id AND d.contact_id <= b.through_contact_id
JOIN contacts c ON c.id = d.contact_id
WHERE b.owner LIKE :owner AND d.state = 'planned' AND d.due_at IS NULL
"""
END_LEASE = "UPDATE sending_owners SET lease_until = :now WHERE owner LIKE :owner"
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@dataclass
class Host:
    """A campaign worker with a receiver of its own, which holds its answers back after ANSWERED mails."""

    receiver: CountingSmtp
    worker: WorkerProcess
    directory: Path

    @property
    def is_held(self) -> bool:
        """Whether a mail on each connection waits for its answer."""
        return self.receiver.count == ANSWERED + CONNECTIONS

    @property
    def answered(self) -> set[str]:
        """Who was written to before the answers were held back."""
        return {dot.recipient for dot in self.receiver.dots[:ANSWERED]}

    @property
    def at_stake(self) -> set[str]:
        """Whose mail has arrived and is not answered."""
        return {dot.recipient for dot in self.receiver.dots[ANSWERED:]}

    @property
    def owner(self) -> str:
        """A pattern of the name of its worker."""
        return f"bulk-%-{self.worker.process.pid}-%"

    @property
    def has_ended_a_run(self) -> bool:
        """Whether it has said how many it settled in one."""
        return '"job": "drain"' in self.directory.with_suffix(".log").read_text()

    @property
    def journals(self) -> list[Path]:
        return list((self.directory / "journal").iterdir())

    def in_hand(self) -> set[str]:
        """Who belongs to its batches and is not settled."""
        db.session.rollback()
        found = set(db.session.scalars(sa.text(IN_HAND), {"owner": self.owner}))
        db.session.rollback()
        return found

    def end_lease(self) -> None:
        """Let its two minutes be over."""
        with unit_of_work():
            values = {"owner": self.owner, "now": now()}
            ended = db.session.execute(sa.text(END_LEASE), values)
            assert cast("sa.CursorResult[object]", ended).rowcount == 1


@dataclass
class Hosts:
    """Starts workers with data directories of their own, so that none finds another's journal."""

    service: RealParts
    undo: ExitStack

    def environ(self, name: str) -> dict[str, str]:
        directory = self.service.directory
        own = directory / name
        own.mkdir(exist_ok=True)
        return {
            **self.service.environ,
            "MAILER_DATA_DIRECTORY": str(own),
            "MAILER_KEYS_URL": f"sqlite:///{directory / 'keys.db'}",
            "MAILER_ERASURE_LIST": str(directory / "erasures.jsonl"),
            "MAILER_REDIS_URL": f"unix://{directory / 'redis' / 'redis.sock'}",
            "MAILER_WORKER_COUNT": "3",
            "PGAPPNAME": name,
        }

    def start(self, name: str, queue: str = "bulk", **changes: str) -> WorkerProcess:
        log = self.service.directory / f"{name}.log"
        worker = WorkerProcess({**self.environ(name), **changes}, "--queue", queue, log=log)
        return self.undo.enter_context(worker)

    def start_held(self, name: str, cable: Cable | None = None) -> Host:
        """A worker whose receiver holds its answers back, which reaches the others through `cable`."""
        directory = self.service.directory
        own = directory / name
        own.mkdir()
        receiver = self.undo.enter_context(CountingSmtp(own, hold_after=ANSWERED, name=name))
        changes = {"MAILER_SMTP_PORT": str(receiver.port)}
        if cable is not None:
            url = self.service.environ["MAILER_DATABASE_URL"]
            changes["MAILER_DATABASE_URL"] = cable.lead_to_database(url)
            changes["MAILER_REDIS_URL"] = cable.lead_to_redis(directory / "redis" / "redis.sock")
        return Host(receiver, self.start(name, **changes), own)


@pytest.fixture
def hosts(service: RealParts) -> Iterator[Hosts]:
    with ExitStack() as undo:
        yield Hosts(service, undo)


@pytest.fixture
def receiver(service: RealParts) -> Iterator[CountingSmtp]:
    with CountingSmtp(service.directory, milliseconds=8) as receiver:
        service.environ["MAILER_SMTP_HOST"] = receiver.host
        service.environ["MAILER_SMTP_PORT"] = str(receiver.port)
        yield receiver


def wake_all() -> None:
    for slot in range(3):
        waking.wake_drain(slot)


def wake_upkeep() -> None:
    for chore in ("wake", "recover"):
        waking.wake_upkeep(chore)


def limit_to(rate: int, service: RealParts) -> None:
    """So many campaign mails a second."""
    with unit_of_work():
        draft = LimitDraft(LimitKind.ORGANISATION, "", 60 * rate, None, None)
        destinations.set_limit(service.organisation, draft)


def pace(dots: list[Dot]) -> float:
    """Mails a second from the first to the last."""
    return (len(dots) - 1) / (dots[-1].at - dots[0].at)


def best(dots: list[Dot], seconds: float) -> float:
    """The most mails a second in any stretch of so many seconds."""
    most = 0
    for place, first in enumerate(dots):
        within = sum(dot.at < first.at + seconds for dot in dots[place:])
        most = max(most, within)
    return most / seconds


@on_postgresql
@pytest.mark.requirement("E-065")
def test_three_workers_hold_one_rate_in_total_with_redis_and_without(
    hosts: Hosts, receiver: CountingSmtp
) -> None:
    rate, people = 100, 2_000
    service = hosts.service
    limit_to(rate, service)
    directory = service.directory / "redis"
    with run_redis(directory):
        watch = Watch(service.start_campaign(people), people)
        for name in ("first", "second", "third"):
            hosts.start(name)
        wait_for(lambda: wake_all() or receiver.count >= people / 2, timeout=PATIENCE)
        shared = receiver.count
        for pid in pids_marked(str(directory / "redis.sock")):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_up())
        wait_for(lambda: watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    with_redis, without = receiver.dots[:shared], receiver.dots[shared:]
    assert pace(with_redis) <= 1.05 * rate
    assert pace(without) <= 1.05 * rate
    # A machine that is busy with other things may lose time, but not in every stretch of three seconds.
    assert best(with_redis, 3.0) >= 0.95 * rate


@on_postgresql
@pytest.mark.requirement("E-065")
def test_the_rate_is_held_in_total_when_one_of_three_workers_is_killed(
    hosts: Hosts, receiver: CountingSmtp
) -> None:
    rate, people = 100, 1_600
    service = hosts.service
    limit_to(rate, service)
    with run_redis(service.directory / "redis"):
        watch = Watch(service.start_campaign(people), people)
        workers = [hosts.start(name) for name in ("first", "second", "third")]
        wait_for(lambda: wake_all() or receiver.count >= people / 2, timeout=PATIENCE)
        workers[-1].kill()
        before = receiver.count
        hosts.start("third", "upkeep")
        wait_for(lambda: wake_all() or watch.is_sent, timeout=PATIENCE)
    watch.assert_nobody_lost_or_doubled(receiver)
    assert watch.uncertain <= CONNECTIONS
    of_three, of_two = receiver.dots[:before], receiver.dots[before:]
    # What the first mails are late by, while connections open, is no part of the rate.
    all_open = of_three[3 * CONNECTIONS :]
    assert pace(all_open[:300]) <= 1.05 * rate
    assert pace(of_three) <= 1.05 * rate
    assert pace(of_two) <= 1.05 * rate
    assert best(of_two, 3.0) >= 0.95 * rate


@dataclass
class Trio:
    """Three hosts, of which one is killed and one cut off while each has people in hand."""

    hosts: Hosts
    watch: Watch
    cable: Cable
    steady: Host = field(init=False)
    killed: Host = field(init=False)
    cut_off: Host = field(init=False)
    given_up: set[str] = field(init=False)  # whom the one that is cut off has in hand
    at_stake: set[str] = field(init=False)  # to whom its mail has arrived
    resent: set[str] = field(init=False)  # to whom another sends it again

    def begin(self) -> None:
        """Have all three send, until a mail on each connection waits for its answer and no result does."""
        self.steady = self.hosts.start_held("steady")
        self.killed = self.hosts.start_held("killed")
        self.cut_off = self.hosts.start_held("cut-off", self.cable)
        all_three = (self.steady, self.killed, self.cut_off)
        wait_for(lambda: wake_all() or all(one.is_held for one in all_three), timeout=PATIENCE)
        answered = set().union(*(one.answered for one in all_three))
        wait_for(lambda: self.watch.people_in(ACCEPTED) == answered)
        self.given_up, self.at_stake = self.cut_off.in_hand(), self.cut_off.at_stake
        assert self.at_stake < self.given_up

    def cut_off_and_kill(self) -> None:
        """What the killed one had in hand goes on elsewhere; what the other has waits for its lease."""
        returned = self.killed.in_hand() - self.killed.at_stake
        self.cable.pull()
        self.killed.worker.kill()
        self.hosts.start("killed", "upkeep")
        wait_for(lambda: self.watch.uncertain, timeout=PATIENCE)
        assert self.watch.people_in(UNCERTAIN) == self.killed.at_stake
        assert returned <= self.watch.people_in(PLANNED)
        self.steady.receiver.release()
        wait_for(
            lambda: wake_all() or self.watch.people_in(PLANNED, CLAIMED) == self.given_up,
            timeout=PATIENCE,
        )
        assert returned <= set(self.steady.receiver.arrived)
        # Who ends a run, and the upkeep worker, close what is done; this campaign is not.
        wait_for(lambda: wake_upkeep() or self.steady.has_ended_a_run)
        assert self.watch.look()[0] is CampaignState.SENDING
        assert self.watch.people_in(PLANNED) == self.given_up

    def give_up(self) -> None:
        """The lease of the one that is cut off runs out."""
        wait_for(lambda: self.cable.missed)
        self.cut_off.end_lease()
        wait_for(lambda: wake_upkeep() or self.watch.is_sent, timeout=PATIENCE)
        assert self.watch.people_in(UNCERTAIN) == self.killed.at_stake | self.given_up
        outcomes = [row.settled_at for row in deliveries_of(self.watch.campaign)]
        finished_at = fresh(self.watch.campaign).finished_at
        assert finished_at is not None
        assert all(at is not None and at <= finished_at for at in outcomes)

    def resend(self) -> None:
        """Somebody has it sent again to one who got it and one who did not; another has both in hand."""
        self.resent = {min(self.at_stake), min(self.given_up - self.at_stake)}
        before = self.steady.receiver.count
        self.steady.receiver.hold()
        contact_ids = [contact_of(address).id for address in self.resent]
        with unit_of_work():
            campaign = campaigns.get_campaign_by_id(self.watch.campaign.id)
            assert delivery.resend_uncertain(campaign, contact_ids) == len(self.resent)
        wait_for(lambda: wake_all() or self.steady.receiver.count > before, timeout=PATIENCE)
        assert self.watch.people_in(CLAIMED) == self.resent

    def come_back(self) -> None:
        """The one that was cut off finds its answers and its database, and sends nothing more."""
        self.cut_off.receiver.release()
        self.cable.plug()
        late = self.at_stake - self.resent
        wait_for(lambda: self.watch.people_in(ACCEPTED) >= late, timeout=PATIENCE)
        wait_for(lambda: self.cut_off.has_ended_a_run, timeout=PATIENCE)
        assert self.cut_off.receiver.count == ANSWERED + CONNECTIONS
        assert self.watch.people_in(CLAIMED) == self.resent
        self.steady.receiver.release()
        wait_for(lambda: self.watch.is_sent, timeout=PATIENCE)
        for host in (self.cut_off, self.steady):
            assert host.worker.stop() == 0
            assert host.journals == []
        assert self.killed.journals == []


@on_postgresql
@pytest.mark.requirement("E-093")
@pytest.mark.requirement("C-061")
def test_of_three_hosts_one_is_killed_and_one_cut_off_and_nobody_is_lost_or_doubled(
    hosts: Hosts,
) -> None:
    service = hosts.service
    watch = Watch(service.start_campaign(PEOPLE), PEOPLE)
    trio = Trio(hosts, watch, hosts.undo.enter_context(lay_cable()))
    with run_redis(service.directory / "redis"):
        trio.begin()
        trio.cut_off_and_kill()
        trio.give_up()
        trio.resend()
        trio.come_back()
    steady, killed, cut_off = (
        one.receiver.arrived for one in (trio.steady, trio.killed, trio.cut_off)
    )
    accepted, uncertain = watch.people_in(ACCEPTED), watch.people_in(UNCERTAIN)
    assert accepted | uncertain == set(service.people)
    assert uncertain == trio.killed.at_stake | (trio.given_up - trio.at_stake - trio.resent)
    arrived = steady + killed + cut_off
    assert set(arrived) == accepted | trio.killed.at_stake
    # Nobody twice, but for whom somebody decided so.
    assert arrived - Counter(set(arrived)) == Counter(trio.at_stake & trio.resent)
    # A late answer counts for who is uncertain, and changes nothing for who was taken by another.
    taken_by = {
        row.contact_id: row.reply_text.rpartition(" ")[2] for row in deliveries_of(watch.campaign)
    }
    for name, people in (("cut-off", trio.at_stake - trio.resent), ("steady", trio.resent)):
        assert {taken_by[contact_of(address).id] for address in people} == {name}
    assert in_hand() == 0
