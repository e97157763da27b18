"""Puts the doors for people together: the frame of every request, then the pages."""

from __future__ import annotations

import contextlib

from flask import Flask, Response

from mailer import consent, transparency
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Unavailable
from mailer.transparency import AlarmKind
from mailer.web import (
    admin,
    csrf,
    error_pages,
    filters,
    health,
    hosts,
    metrics,
    public,
    request_log,
    responses,
    security_headers,
)


def register(app: Flask) -> None:
    """Register every page and what surrounds it on `app`.

    Steps before a request run in this order, steps after it in reverse: the log line is the last.
    """
    request_log.register(app)
    security_headers.register(app)
    hosts.register(app)
    error_pages.register(app)
    filters.register(app)
    health.register(app)
    metrics.register(app)
    app.after_request(responses.forget_taken_notice)
    app.after_request(_tell_of_lost_evidence)
    # Macros are imported without context, so this has to be a global.
    app.jinja_env.globals["csrf_token"] = csrf.csrf_token
    for blueprint in (*public.BLUEPRINTS, *admin.BLUEPRINTS):
        app.register_blueprint(blueprint)


def _tell_of_lost_evidence(response: Response) -> Response:
    """A page that met evidence nobody can open raises the alarm; the page itself goes on without it."""
    if consent.has_lost_evidence():
        with contextlib.suppress(Unavailable), unit_of_work():
            transparency.raise_alarm(AlarmKind.EVIDENCE, consent.LOST_EVIDENCE)
        consent.forget_lost_evidence()
    return response
