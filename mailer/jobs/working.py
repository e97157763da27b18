"""The worker process: one queue, no fork; without Redis it looks for work by itself.

RQ only wakes. When Redis is down the same jobs are run once a second from here, so that campaigns and
confirmation mails go on; when it is back, emptied or not, RQ takes over again.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import pkgutil
import signal
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import redis
from flask import Flask
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.job import Job
from rq.worker import WorkerStatus

from mailer import erasures
from mailer.foundation import queue
from mailer.foundation.context import settings
from mailer.jobs import recovery
from mailer.jobs.duties import Duties, duties_of
from mailer.jobs.runner import Shift, job

log = logging.getLogger(__name__)

WORKER_TTL_SECONDS = 30
PAUSE_SECONDS = 1.0
# A batch is thousands of objects, and hardly any of them hold each other.
COLLECT_AFTER = 20_000, 20, 20


class QueueWorker(SimpleWorker):
    """RQ's worker, which leaves the loop when Redis is gone and never lets a signal break a job."""

    shift: Shift
    is_busy = False

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue]:
        """Wait for a job. Raises StopRequested when Redis is gone, for our own loop goes on then."""
        try:
            self.set_state(WorkerStatus.IDLE)
            while True:
                if self.shift.is_over:
                    raise StopRequested
                self.heartbeat()
                if self.should_run_maintenance_tasks:
                    self.run_maintenance_tasks()  # type: ignore[no-untyped-call]  # RQ's own
                with contextlib.suppress(DequeueTimeout):
                    return self._next_job(timeout)
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            raise StopRequested from None

    def _next_job(self, timeout: int | None) -> tuple[Job, Queue]:
        found = self.queue_class.dequeue_any(
            self._ordered_queues,
            timeout,
            connection=self.connection,
            job_class=self.job_class,
            serializer=self.serializer,
            death_penalty_class=self.death_penalty_class,
        )
        if found is None:
            raise DequeueTimeout
        version = self.get_redis_server_version()  # type: ignore[no-untyped-call]  # RQ's own
        found[0].redis_server_version = version
        return found

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.is_busy = True
        try:
            super().execute_job(job, queue)
        finally:
            self.is_busy = False
            if self.shift.is_over:
                self._stop_requested = True

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Go home: at once when idle, else after what is on the wire; asking twice changes nothing."""
        was_ending, self.shift.is_ending = self.shift.is_ending, True
        self._stop_requested = True
        if not self.is_busy and not was_ending:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def subscribe(self) -> None:
        """Take no commands through Redis: whoever can write there shall not stop a worker."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def teardown(self) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            self.register_death()  # type: ignore[no-untyped-call]  # RQ's own


def serve(app: Flask, queue_name: str, slot: int) -> int:
    """Work on one queue until told to stop; the exit status of the process.

    1 means that something could not be settled and was left to recovery.
    """
    with app.app_context():
        duties = duties_of(queue_name)
        shift = Shift(app, queue_name, sends=queue_name != queue.UPKEEP)
        _install_signal_handlers(shift)
        _erase_again()
        _take_over(duties)
        gc.collect()
        gc.freeze()  # what exists now stays; the collector need not look at it again
        gc.set_threshold(*COLLECT_AFTER)
        look = duties.looking(slot)
        while not shift.is_over:
            _serve_with_redis(shift, queue_name)
            _serve_without_redis(shift, look)
        shift.close()
        return 1 if shift.failure else 0


@job
def _erase_again() -> None:
    """Before anything is sent from a database that was restored (C-092); nearly always there is nothing to
    do, so the code is only loaded then.
    """
    if erasures.list_unapplied(limit=1):
        pkgutil.resolve_name("mailer.jobs.upkeep:reapply_erasures")()


@job
def _take_over(duties: Duties) -> Mapping[str, object] | None:
    count = recovery.recover(duties.settlers, duties.owners)
    return {"recovered": count} if count else None


def _install_signal_handlers(shift: Shift) -> None:
    def go_home(_signum: int, _frame: FrameType | None) -> None:
        shift.is_ending = True

    signal.signal(signal.SIGINT, go_home)
    signal.signal(signal.SIGTERM, go_home)


def _serve_with_redis(shift: Shift, queue_name: str) -> None:
    """Let RQ work for as long as it can."""
    connection: Any = redis.Redis.from_url(settings().redis_url, socket_connect_timeout=1)
    try:
        worker = QueueWorker(
            [Queue(queue_name, connection=connection, serializer="json")],
            name=f"{shift.owner}-{int(time.time())}",
            connection=connection,
            serializer="json",
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=WORKER_TTL_SECONDS,
        )
        worker.shift = shift
        worker.work(with_scheduler=False, logging_level="WARNING")
    except (redis.RedisError, OSError, StopRequested):
        pass  # the loop around us finds out whether Redis is there
    finally:
        connection.close()
        _install_signal_handlers(shift)


def _serve_without_redis(shift: Shift, look: Callable[[], None]) -> None:
    """Run the queue's jobs from here until Redis answers."""
    is_told = False
    while not shift.is_over and not queue.is_up():
        if not is_told:
            log.warning("Redis is down; this worker looks for work by itself")
            is_told = True
        try:
            look()
        except Exception:
            log.exception("a job failed")
        time.sleep(PAUSE_SECONDS)
    if is_told:
        log.info("Redis is back")
