"""Campaign workers as they are deployed: what they take to send a campaign that is ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import sqlalchemy as sa
from rq import Queue, Worker

from bench import machine
from bench.places import Ground, Place, application, environ_for, python
from mailer import campaigns
from mailer.campaigns import Campaign, CampaignState
from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.foundation import queue
from mailer.foundation.database import db, unit_of_work
from mailer.jobs import waking
from tests.support.make_campaigns import counts_of, fresh
from tests.support.waiting import wait_for

PATIENCE_SECONDS = 180.0
LOOK_SECONDS = 0.05  # every look costs the workers a little


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be sent, and by whom."""

    campaign: str  # its name
    port: int  # of the receiver
    mails: int
    workers: int = 1
    connections: int = 8  # of all workers together
    is_part: bool = False  # enough once so many were accepted, though the audience is larger


@dataclass(frozen=True, slots=True)
class Usage:
    """What it took; processor time and memory are None where the system does not tell."""

    seconds: float  # from waking until the last is settled
    cpu_seconds: float | None  # of all workers, in that time
    megabytes: float | None  # the most that one of them held since it began


def send(ground: Ground, place: Place, template: str, job: Job) -> Usage:
    """Have workers send a planned or started campaign of a copy of `template`.

    Raises RuntimeError unless everybody's mail was accepted.
    """
    directory = ground.new_directory()
    with ExitStack() as undo:
        url = undo.enter_context(place.database(directory, template))
        environ = environ_for(
            directory,
            MAILER_DATABASE_URL=url,
            MAILER_SMTP_PORT=str(job.port),
            MAILER_SMTP_CONNECTIONS=str(job.connections // job.workers),
            MAILER_WORKER_COUNT=str(job.workers),
        )
        undo.enter_context(EmbeddedRedis(directory / "redis"))
        log = directory / "worker.log"
        pids = [
            undo.enter_context(ground.program(*words, environ=environ, log=log)).pid
            for words in (_words(slot) for slot in range(job.workers))
        ]
        undo.enter_context(application(environ))
        bulk = Queue(queue.BULK, connection=queue.connection())
        wait_for(lambda: Worker.count(queue=bulk) == job.workers, timeout=PATIENCE_SECONDS)
        return _watch(job, pids)


def _words(slot: int) -> tuple[str, ...]:
    return python("worker.py", "--queue", queue.BULK, "--slot", str(slot))


def _watch(job: Job, pids: list[int]) -> Usage:
    campaign = db.session.scalars(sa.select(Campaign).where(Campaign.name == job.campaign)).one()
    before = _sum(machine.cpu_seconds, pids)
    began = time.time()
    if campaign.state is CampaignState.PAUSED:
        with unit_of_work():
            campaigns.resume(campaign)
    waking.wake_drains()
    await_end = _await_part if job.is_part else _await_sent
    ended = await_end(campaign, job.mails)
    after = _sum(machine.cpu_seconds, pids)
    peaks = [peak for peak in map(machine.peak_megabytes, pids) if peak is not None]
    cpu = None if before is None or after is None else after - before
    return Usage(ended - began, cpu, max(peaks, default=None))


def _await_sent(campaign: Campaign, mails: int) -> float:
    def is_sent() -> bool:
        time.sleep(LOOK_SECONDS)
        return fresh(campaign).state is CampaignState.SENT

    wait_for(is_sent, timeout=PATIENCE_SECONDS)
    if counts_of(campaign) != {DeliveryState.ACCEPTED: mails}:
        raise RuntimeError(f"not everything was accepted: {counts_of(campaign)}")
    finished_at = fresh(campaign).finished_at
    assert finished_at is not None
    return finished_at.timestamp()


def _await_part(campaign: Campaign, mails: int) -> float:
    def is_enough() -> bool:
        time.sleep(10 * LOOK_SECONDS)
        return counts_of(campaign)[DeliveryState.ACCEPTED] >= mails

    wait_for(is_enough, timeout=PATIENCE_SECONDS)
    return time.time()


def _sum(measured: Callable[[int], float | None], pids: list[int]) -> float | None:
    values = [measured(pid) for pid in pids]
    return None if None in values else sum(value for value in values if value is not None)
