"""Whether the parts we stand on answer and take writes, for load balancers and people."""

from __future__ import annotations

import threading
import time

from flask import Flask, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from mailer.foundation import keystore, queue, revisions, write_check
from mailer.foundation.context import extensions
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Unavailable

STALE_SCHEMA = "The database waits for a migration: run `python -m mailer upgrade`."
DISK_FULL = "The disk is full: nothing that comes in can be kept. Make room on it."
WRITE_EVERY = 1.0  # seconds; whoever asks more often gets the last answer
_KEY = "mailer.write_check"
_one_at_a_time = threading.Lock()


def register(app: Flask) -> None:
    """Serve /health on every host."""
    app.add_url_rule("/health", "health", _health)


def _health() -> Response:
    """200 while what comes in can be kept; Redis may be down meanwhile, the clock catches up."""
    try:
        current = revisions.current_revision()
    except SQLAlchemyError:
        return _answer("The database does not answer.", database="down", migration="unknown")
    if current != revisions.newest_revision():
        return _answer(STALE_SCHEMA, database="up", migration="behind")
    obstacle = _find_obstacle()
    if obstacle:
        return _answer(obstacle, database="takes no writes", migration="newest")
    redis_is_up = queue.is_up()
    response = jsonify(
        status="well" if redis_is_up else "Redis does not answer; mail waits in the database.",
        database="up",
        redis="up" if redis_is_up else "down",
        migration="newest",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _find_obstacle() -> str | None:
    """What keeps us from writing, if anything. Written once a second at most: everybody may ask here."""
    with _one_at_a_time:
        asked_at, obstacle = extensions().get(_KEY, (float("-inf"), None))
        if time.monotonic() - asked_at >= WRITE_EVERY:
            obstacle = _try_to_write()
            extensions()[_KEY] = time.monotonic(), obstacle
    return str(obstacle) if obstacle else None


def _try_to_write() -> str | None:
    try:
        if write_check.is_disk_full():
            return DISK_FULL
        keystore.check_writing()
        with unit_of_work():
            write_check.write_moment()
    except (Unavailable, OSError) as error:
        return str(error)
    return None


def _answer(words: str, *, database: str, migration: str) -> Response:
    response = jsonify(
        status=words,
        database=database,
        redis="up" if queue.is_up() else "down",
        migration=migration,
    )
    response.status_code = 503
    response.headers["Retry-After"] = "30"
    return response
