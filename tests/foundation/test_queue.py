from __future__ import annotations

import json
import logging
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rq import Queue

from mailer.devkit import EmbeddedRedis
from mailer.foundation import queue
from mailer.foundation.settings import Settings
from tests.conftest import settings_for
from tests.foundation.conftest import within
from tests.support.redis_server import run_redis

JOB = "mailer.jobs.anything"


def waiting(name: str = queue.FIRST) -> list[str]:
    return list(Queue(name, connection=queue.connection(), serializer="json").job_ids)


@pytest.fixture(params=["silent", "full"])
def hanging(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis that takes a connection and says nothing, or does not even take it."""
    with ExitStack() as undo:
        server = undo.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = server.getsockname()[1]
        if request.param == "full":
            for _ in range(4):
                filler = undo.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
        yield f"redis://127.0.0.1:{port}/0"


def test_a_job_waits_with_its_ids_as_json(bare: Settings, redis_server: EmbeddedRedis) -> None:
    assert queue.is_up()
    assert queue.enqueue(queue.FIRST, JOB, "msg_1", 7, job_id="send-msg_1")
    assert waiting() == ["send-msg_1"]
    assert waiting(queue.BULK) == []
    (job,) = Queue(queue.FIRST, connection=queue.connection(), serializer="json").jobs
    assert (job.func_name, job.args, job.kwargs) == (JOB, ["msg_1", 7], {})


@pytest.mark.requirement("S-067")
def test_what_redis_holds_can_be_read_and_is_never_pickled(
    bare: Settings, redis_server: EmbeddedRedis
) -> None:
    queue.enqueue(queue.FIRST, JOB, "msg_1", job_id="send-msg_1")
    stored = queue.connection().hgetall("rq:job:send-msg_1")
    body = Queue(queue.FIRST, connection=queue.connection(), serializer="json").fetch_job(
        "send-msg_1"
    )
    assert body is not None
    assert json.loads(body.data) == [JOB, None, ["msg_1"], {}]
    assert b"\x80\x04" not in b"".join(stored.values())


def test_one_job_id_waits_once(bare: Settings, redis_server: EmbeddedRedis) -> None:
    answers = [queue.enqueue(queue.BULK, JOB, "cmp_1", job_id="drain-cmp_1") for _ in range(3)]
    assert answers == [True, False, False]
    assert waiting(queue.BULK) == ["drain-cmp_1"]


def test_a_finished_job_leaves_its_id_free(bare: Settings, redis_server: EmbeddedRedis) -> None:
    queue.enqueue(queue.BULK, JOB, "cmp_1", job_id="drain-cmp_1")
    (job,) = Queue(queue.BULK, connection=queue.connection(), serializer="json").jobs
    assert job.result_ttl == 0
    job.delete()
    assert queue.enqueue(queue.BULK, JOB, "cmp_1", job_id="drain-cmp_1")


def test_without_redis_the_answer_is_no_and_nothing_breaks(
    bare: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert queue.enqueue(queue.FIRST, JOB, "msg_1", job_id="send-msg_1") is False
    assert "the clock will wake the worker" in caplog.text
    assert not queue.is_up()


def test_a_redis_that_hangs_is_given_up_quickly(tmp_path: Path, hanging: str) -> None:
    with within(settings_for(tmp_path, MAILER_REDIS_URL=hanging)):
        began = time.monotonic()
        assert queue.enqueue(queue.FIRST, JOB, "msg_1", job_id="send-msg_1") is False
        assert not queue.is_up()
        assert time.monotonic() - began < 4 * queue.PATIENCE_SECONDS


def test_a_redis_that_was_restarted_is_used_again_at_once(bare: Settings, tmp_path: Path) -> None:
    with run_redis(tmp_path / "redis"):
        assert queue.enqueue(queue.FIRST, JOB, "msg_1", job_id="send-msg_1")
    # The connection in the pool leads nowhere now, and nobody has noticed yet.
    shutil.rmtree(tmp_path / "redis")
    with run_redis(tmp_path / "redis"):
        assert queue.enqueue(queue.FIRST, JOB, "msg_1", job_id="send-msg_1")
        assert waiting() == ["send-msg_1"]
