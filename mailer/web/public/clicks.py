"""Counted links: on to where they lead, and the one press that ends the counting.

Whoever follows a link gets the same answer, whether it was counted or not (C-104).
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, render_template, request
from sqlalchemy.exc import DBAPIError

from mailer import tracking
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotFound, Unavailable
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.organisations import get_organisation_by_id
from mailer.tracking import Followed
from mailer.web.public.letterhead import act_evidence, letterhead, nothing_known

log = logging.getLogger(__name__)
bp = Blueprint("clicks", __name__)


@bp.get("/c/<token>/<number>")
def follow(token: str, number: str) -> Response:
    """On to the address that was fixed for this campaign and number; nowhere else, ever."""
    followed = tracking.find_followed(token, number)
    if followed is None:
        raise NotFound("This link is damaged or incomplete. Please copy the whole of it.")
    if request.method == "GET" and tracking.may_count(followed):
        _count(followed)
    return Response(
        status=302,
        headers={
            "Location": followed.target,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )


@bp.get("/t/<token>", strict_slashes=False)
def show(token: str) -> str:
    """One button; opening the page changes nothing (L-001)."""
    contact = tracking.read_stop_token(token)
    if contact is None:
        return nothing_known()
    return render_template(
        "public/stop_counting.html",
        token=token,
        is_agreed=tracking.is_agreed(contact),
        preferences_token=sign_lasting(Purpose.PREFERENCES, contact.public_id),
        **letterhead(get_organisation_by_id(contact.organisation_id)),
    )


@bp.post("/t/<token>", strict_slashes=False)
def stop(token: str) -> str:
    """End the counting at once and nothing else: mail goes on (C-103)."""
    with unit_of_work():
        contact = tracking.read_stop_token(token)
        if contact is None:
            return nothing_known()
        tracking.stop(contact, act_evidence("button behind the link of a mail", token))
    return render_template(
        "public/counting_stopped.html",
        preferences_token=sign_lasting(Purpose.PREFERENCES, contact.public_id),
        **letterhead(get_organisation_by_id(contact.organisation_id)),
    )


def _count(followed: Followed) -> None:
    """Write the click down if that can be done; whoever follows the link arrives in any case."""
    try:
        with unit_of_work():
            tracking.record_click(followed)
    except (Unavailable, DBAPIError):
        log.warning("a click could not be written down")
