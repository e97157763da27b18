"""Puts the doors for people together: the frame of every request, then the pages."""

from __future__ import annotations

from flask import Flask

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
    # Macros are imported without context, so this has to be a global.
    app.jinja_env.globals["csrf_token"] = csrf.csrf_token
    for blueprint in (*public.BLUEPRINTS, *admin.BLUEPRINTS):
        app.register_blueprint(blueprint)
