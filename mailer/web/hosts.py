"""The team's side and the public pages live on different hosts, so that they share no origin (S-021)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from mailer.foundation.context import settings
from mailer.foundation.networks import host_form
from mailer.web.responses import path_with_query

_EVERYWHERE = ("/static/", "/health")
_READING = ("GET", "HEAD")


def register(app: Flask) -> None:
    """Lead every page to the host it belongs to, and refuse there what is meant for the other."""
    app.before_request(_separate)
    app.add_url_rule("/", "front", _front)


@lru_cache(maxsize=256)
def _host(url: str) -> str:
    return host_form(urlsplit(url).hostname or "")


@lru_cache(maxsize=256)
def _origin(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return _host(url), parts.port or (443 if parts.scheme == "https" else 80)


def _is_admin(form: Callable[[str], object]) -> bool:
    """Whether the request asked for the team's side, compared by `_host` or `_origin`."""
    try:
        return form(f"{request.scheme}://{request.host}") == form(settings().admin_url)
    except ValueError:  # a host that is none
        raise NotFound from None


def _separate() -> Response | None:
    path = request.path
    if path == "/" or path.startswith(_EVERYWHERE):
        return None
    if path == "/admin" or path.startswith("/admin/"):
        is_right, right_one = _is_admin(_origin), settings().admin_url
    else:  # nothing public on the team's host name, whatever the port: cookies know none
        is_right, right_one = not _is_admin(_host), settings().public_url
    if is_right:
        return None
    if request.method not in _READING:
        raise NotFound
    return redirect(right_one + path_with_query(), 307)


def _front() -> Response:
    """The bare address: the way in for the team, nothing for anybody else."""
    if not _is_admin(_origin):
        raise NotFound
    return redirect(url_for("admin.overview"), 303)
