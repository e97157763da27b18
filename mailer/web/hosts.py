"""The team's side and the public pages live on different hosts, so that they share no origin (S-021)."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from mailer.foundation.context import settings
from mailer.web.responses import path_with_query

_EVERYWHERE = ("/static/", "/health")
_READING = ("GET", "HEAD")


def register(app: Flask) -> None:
    """Send every request to the host it belongs to, or refuse it there."""
    app.before_request(_separate)
    app.add_url_rule("/", "front", _front)


@lru_cache(maxsize=256)
def _host(url: str) -> str:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.hostname}:{parts.port or default}"


def _asked_host() -> str:
    return _host(f"{request.scheme}://{request.host}")


def _separate() -> Response | None:
    path = request.path
    if path == "/" or path.startswith(_EVERYWHERE):
        return None
    try:
        is_admin_host = _asked_host() == _host(settings().admin_url)
    except ValueError:
        raise NotFound from None
    is_reading = request.method in _READING
    if path == "/admin" or path.startswith("/admin/"):
        if is_admin_host:
            return None
        if not is_reading:
            raise NotFound
        return redirect(settings().admin_url + path_with_query(), 307)
    if not is_admin_host:
        return None
    if not is_reading:
        raise NotFound
    return redirect(settings().public_url + path_with_query(), 307)


def _front() -> Response:
    """The bare address: the way in for the team, nothing for anybody else."""
    try:
        is_for_team = _asked_host() == _host(settings().admin_url)
    except ValueError:
        is_for_team = False
    if not is_for_team:
        raise NotFound
    return redirect(url_for("admin.overview"), 303)
