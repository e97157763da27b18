"""The pages behind a permission mail: GET shows, only the press of a button answers (L-001)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from mailer import imports
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import LinkExpired, LinkInvalid
from mailer.foundation.networks import truncate_ip
from mailer.foundation.tokens import Purpose, digest, read_timed_with_age, sign_lasting, sign_timed
from mailer.imports import ImportRow, RowState
from mailer.signup import HUMAN_SECONDS, ConfirmingAct
from mailer.web.public.letterhead import act_evidence, letterhead

bp = Blueprint("permission", __name__)

PAGE_LIFE = timedelta(days=30)


@bp.get("/i/<token>", strict_slashes=False)
def show(token: str) -> str:
    """What is asked, where the address came from, and one big button."""
    row = imports.read_permission_token(token)
    if row.state is RowState.ASKED and row.expires_at is not None and row.expires_at > now():
        return _ask(row, token)
    return _standing(row)


@bp.post("/i/<token>", strict_slashes=False)
def give(token: str) -> str:
    """Record the consent. Pressing twice is pressing once (C-030)."""
    row = imports.read_permission_token(token)
    if request.form.get("sure"):
        # Only a machine that presses everything finds the hidden button (L-007): ask again.
        return _ask(row, token, again=True) if row.state is RowState.ASKED else _standing(row)
    try:
        with unit_of_work():
            # Read again inside: the first reading belongs to a transaction that is over.
            row = imports.read_permission_token(token)
            was_open = row.state is RowState.ASKED
            imports.give_permission(row, _act(row, token))
    except LinkInvalid:
        return _standing(row)
    return _standing(row, is_new=was_open)


@bp.get("/i/no/<token>", strict_slashes=False)
def show_refusal(token: str) -> str:
    """What "do not write to me" will do, and the button that does it."""
    return _refusal_page(imports.read_refusal_token(token), token)


@bp.post("/i/no/<token>", strict_slashes=False)
def refuse(token: str) -> ResponseReturnValue:
    """Stop mail to this address; allowing it again takes a link that is mailed there (C-083)."""
    if request.form.get("action") == "allow":
        return _refusal_page(imports.read_refusal_token(token), token), 403
    with unit_of_work():
        link = imports.read_refusal_token(token)
        is_blocked = imports.refuse_permission(link, act_evidence("do not write to me", token))
        organisation = imports.organisation_of_row(link.row)
    return render_template(
        "public/not_me_done.html", is_blocked=is_blocked, **letterhead(organisation)
    )


def _refusal_page(link: imports.RefusalLink, token: str) -> str:
    return render_template(
        "public/permission_refuse.html",
        token=token,
        is_blocked=link.is_blocked,
        **letterhead(imports.organisation_of_row(link.row)),
    )


def _ask(row: ImportRow, token: str, *, again: bool = False) -> str:
    page = imports.page_of_row(row)
    return render_template(
        "public/permission.html",
        page=page,
        token=token,
        again=again,
        shown=sign_timed(Purpose.PAGE, row.public_id),
        refusal_token=imports.sign_refusal_link(row),
        expires_at=row.expires_at,
        **letterhead(page.organisation),
    )


def _standing(row: ImportRow, *, is_new: bool = False) -> str:
    """Where a question stands that cannot be answered (any more)."""
    page = imports.page_of_row(row)
    return render_template(
        "public/permission_standing.html",
        page=page,
        is_new=is_new,
        is_confirmed=row.state is RowState.CONFIRMED,
        is_member=imports.is_member_of_row(row),
        is_blocked=row.state is RowState.DISPUTED,
        preferences_token=_preferences_token(row),
        **letterhead(page.organisation),
    )


def _preferences_token(row: ImportRow) -> str:
    contact_id = imports.contact_id_of_row(row)
    return sign_lasting(Purpose.PREFERENCES, contact_id) if contact_id else ""


def _act(row: ImportRow, token: str) -> ConfirmingAct:
    shown_at = _shown_at(row)
    pressed_after = (now() - shown_at).total_seconds() if shown_at else None
    return ConfirmingAct(
        method="POST",
        token_digest=digest(token),
        ip=truncate_ip(request.remote_addr or ""),
        user_agent=request.user_agent.string,
        shown_at=shown_at,
        # Noted, not judged: a robot is quick, and so is somebody with a keyboard (L-005, L-007).
        is_suspect=pressed_after is None or pressed_after < HUMAN_SECONDS,
    )


def _shown_at(row: ImportRow) -> datetime | None:
    try:
        public_id, signed_at = read_timed_with_age(
            Purpose.PAGE, request.form.get("shown", ""), max_age=PAGE_LIFE
        )
    except (LinkInvalid, LinkExpired):
        return None
    return datetime.fromtimestamp(signed_at, UTC) if public_id == row.public_id else None
