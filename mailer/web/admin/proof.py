"""Proof: how the log stands, who anchors it, what is wrong with it, and what the last audit found."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from mailer import selfaudit, transparency
from mailer.accounts import Right
from mailer.foundation.context import settings
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import public_url

SHOWN_FINDINGS = 50


@bp.get("/proof/")
@needs(Right.READ)
def proof() -> ResponseReturnValue:
    """The state of the log for the team."""
    newest = transparency.find_latest_checkpoint()
    anchored = transparency.find_newest_anchored_checkpoint()
    finished = selfaudit.find_newest(is_finished=True)
    alarming = selfaudit.find_alarming()
    return render_template(
        "admin/proof/show.html",
        origin=settings().log_origin,
        log_url=f"{public_url()}/log",
        size=transparency.count_entries(),
        waiting=transparency.count_waiting(),
        newest=newest,
        anchored=anchored,
        anchors=transparency.list_anchors(),
        keys=transparency.list_keys(),
        alarms=transparency.list_alarms(),
        audit=finished,
        running=selfaudit.find_newest(is_finished=False),
        alarming=alarming,
        findings=_findings(alarming),
    )


def _findings(audit: selfaudit.Audit | None) -> list[selfaudit.Finding]:
    if audit is None:
        return []
    return selfaudit.list_findings(audit.id, signed_in().organisation, limit=SHOWN_FINDINGS)
