"""Whether the parts we stand on answer, for load balancers and people."""

from __future__ import annotations

from flask import Flask, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from mailer.foundation import queue, revisions

STALE_SCHEMA = "The database waits for a migration: run `python -m mailer upgrade`."


def register(app: Flask) -> None:
    """Serve /health on every host."""
    app.add_url_rule("/health", "health", _health)


def _health() -> Response:
    """200 while pages can be served; Redis may be down meanwhile, the clock catches up."""
    try:
        current = revisions.current_revision()
    except SQLAlchemyError:
        return _answer("The database does not answer.", database="down", migration="unknown")
    if current != revisions.newest_revision():
        return _answer(STALE_SCHEMA, database="up", migration="behind")
    redis_is_up = queue.is_up()
    response = jsonify(
        status="well" if redis_is_up else "Redis does not answer; mail waits in the database.",
        database="up",
        redis="up" if redis_is_up else "down",
        migration="newest",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


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
