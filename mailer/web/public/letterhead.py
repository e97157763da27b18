"""What stands around every public page, and what is noted of who pressed a button there."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from mailer.foundation.clock import iso, now
from mailer.foundation.networks import truncate_ip
from mailer.foundation.tokens import digest
from mailer.organisations import Organisation
from mailer.web import filters


def letterhead(organisation: Organisation) -> dict[str, Any]:
    """The organisation's name and the two links at the foot; times are told in its time zone."""
    filters.speak_for(organisation.time_zone)
    return {
        "organisation": organisation,
        "organisation_name": organisation.name,
        "notice_url": url_for("notice.newest", organisation_id=organisation.public_id),
        "imprint_url": url_for("notice.imprint", organisation_id=organisation.public_id),
        "language": "en",
    }


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
