"""What stands around every public page, and what is noted of who pressed a button there."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from mailer.foundation.clock import iso, now
from mailer.foundation.networks import truncate_ip
from mailer.foundation.tokens import digest
from mailer.web.letterhead import letterhead, organisation_behind

__all__ = ["act_evidence", "letterhead", "nothing_known"]


def act_evidence(method: str, token: str, **more: Any) -> dict[str, Any]:
    """Who pressed, as far as a web server can tell; the token as its digest only (C-043, S-002)."""
    return {
        "leg": "act",
        "method": method,
        "at": iso(now()),
        "ip": truncate_ip(request.remote_addr or ""),
        "user_agent": request.user_agent.string[:300],
        "token_sha256": digest(token),
        **more,
    }


def nothing_known() -> str:
    """The same quiet answer to a link of ours for everybody who is not known any more (E-024)."""
    found = organisation_behind(request.path)
    around = letterhead(found) if found is not None else {"language": "en"}
    return render_template("public/nothing_known.html", **around)
