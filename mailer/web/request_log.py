"""An id for every request and one line about it: the rule it met, never its path (L-008)."""

from __future__ import annotations

import logging
import secrets
import time

from flask import Flask, Response, g, has_request_context, request
from flask.globals import app_ctx

log = logging.getLogger("mailer.access")


def register(app: Flask) -> None:
    """Number requests, log them, and put their id into every other line written meanwhile."""
    app.before_request(_begin)
    app.after_request(_end)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_add_request_id)


def request_id() -> str:
    """The id of the running request, to quote when asking for help."""
    return str(g.get("request_id", ""))


def _add_request_id(record: logging.LogRecord) -> bool:
    if has_request_context():
        record.request_id = request_id()
    return True


def _begin() -> None:
    kept = app_ctx.g
    kept.request_id = secrets.token_hex(8)
    kept.began = time.perf_counter()
    # An application context may outlive a request, so nothing of the last one may stay.
    for name in ("signed_in", "csrf_key", "layout", "time_zone", "notice_taken"):
        kept.pop(name, None)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    log.info(
        "answered",
        extra={
            "method": request.method,
            "rule": request.url_rule.rule if request.url_rule else "(none)",
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.began) * 1000, 1),
        },
    )
    return response
