"""Figures for a monitoring system, in the text form of Prometheus; only for who holds the token."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from flask import Flask, Response, make_response, request

from mailer import selfaudit, transparency
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.errors import Forbidden, NotFound
from mailer.transparency import AlarmKind

PATH = "/admin/metrics"
_TEXT = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[str, str, float]


def register(app: Flask) -> None:
    """Serve the figures on the host of the team's side."""
    app.add_url_rule(PATH, "metrics", _metrics)


def _metrics() -> Response:
    """404 while no token is set, 403 for a wrong one."""
    token = settings().metrics_token
    if not token:
        raise NotFound("Metrics are off: set MAILER_METRICS_TOKEN.")
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Forbidden("Give the token of MAILER_METRICS_TOKEN as a bearer token.")
    lines, named = [], set()
    for name, labels, value in (*_log_samples(), *_audit_samples()):
        if name not in named:
            named.add(name)
            lines.append(f"# TYPE {name} gauge")
        lines.append(f"{name}{labels} {value:g}" if value < 1e6 else f"{name}{labels} {value:.0f}")
    response = make_response("\n".join(lines) + "\n")
    response.headers["Content-Type"] = _TEXT
    return response


def _log_samples() -> Iterator[Sample]:
    moment = now()
    waiting, newest = transparency.count_waiting(), transparency.find_latest_checkpoint()
    anchored = transparency.find_newest_anchored_checkpoint()
    yield "mailer_log_leaves", "", transparency.count_entries()
    yield "mailer_log_waiting", "", waiting.count
    oldest = waiting.oldest_at
    yield "mailer_log_waiting_seconds", "", (moment - oldest).total_seconds() if oldest else 0
    yield "mailer_log_signed_leaves", "", newest.size if newest else 0
    yield "mailer_log_signed_timestamp", "", newest.signed_at.timestamp() if newest else 0
    yield "mailer_log_anchored_leaves", "", anchored.size if anchored else 0
    standing = {alarm.kind for alarm in transparency.list_alarms()}
    for kind in AlarmKind:
        yield "mailer_log_alarm", f'{{kind="{kind}"}}', int(kind in standing)
    for anchor in transparency.list_anchors():
        name = anchor.name.replace("\\", "").replace('"', "")
        yield "mailer_log_anchor_failing", f'{{anchor="{name}"}}', int(bool(anchor.failure))


def _audit_samples() -> Iterator[Sample]:
    finished, alarming = selfaudit.find_newest(is_finished=True), selfaudit.find_alarming()
    at = finished.finished_at if finished else None
    yield "mailer_audit_finished_timestamp", "", at.timestamp() if at else 0
    counts = selfaudit.count_findings(alarming.id) if alarming else {}
    for kind in selfaudit.FindingKind:
        yield "mailer_audit_findings", f'{{kind="{kind}"}}', counts.get(kind, 0)
