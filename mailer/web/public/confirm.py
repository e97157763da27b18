"""The page behind the link of a confirmation mail: GET shows, only the press of the button confirms (L-001)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from mailer import forms, signup, subscriptions
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import LinkExpired, LinkInvalid
from mailer.foundation.networks import truncate_ip
from mailer.foundation.tokens import Purpose, digest, read_timed_with_age, sign_lasting, sign_timed
from mailer.organisations import get_organisation_by_id
from mailer.receipts import TRACKING_TOPIC
from mailer.signup import ConfirmingAct, RequestState, SignupRequest
from mailer.web.public.letterhead import act_evidence, letterhead
from mailer.web.public.receipts import links_of

bp = Blueprint("confirm", __name__)

PAGE_LIFE = timedelta(days=30)


@bp.get("/c/<token>", strict_slashes=False)
def show(token: str) -> str:
    """What is to be confirmed, and one big button; or kindly where the matter stands already."""
    wanted = signup.read_confirm_token(token)
    if (
        wanted.state is RequestState.PENDING
        and wanted.expires_at > now()
        and not _is_blocked(wanted)
    ):
        return _ask(wanted, token)
    return _standing(wanted, token)


@bp.post("/c/<token>", strict_slashes=False)
def confirm(token: str) -> str:
    """Record the consent. Pressing twice is pressing once (C-030)."""
    wanted = signup.read_confirm_token(token)
    if request.form.get("sure"):
        # Only a machine that presses everything finds the hidden button (L-007): ask again.
        return _ask(wanted, token, again=True)
    try:
        with unit_of_work():
            # Read again inside: the first reading belongs to a transaction that is over.
            wanted = signup.read_confirm_token(token)
            used, asked_at = signup.find_used_limits(wanted), wanted.requested_at
            confirmed = signup.confirm(wanted, _act(wanted, token))
    except LinkInvalid:
        return _standing(wanted, token)
    if used is not None and confirmed.is_new:
        forms.free(used, asked_at)
    return _render_confirmed(confirmed)


@bp.post("/c/<token>/again")
def send_again(token: str) -> str:
    """A new link for an expired one; the answer is the same whether a mail goes out or not (S-032)."""
    wanted = signup.read_confirm_token(token)
    with unit_of_work():
        wanted = signup.read_confirm_token(token)
        if wanted.expires_at <= now():
            signup.request_again(wanted, act_evidence("asked for a new link", token))
    organisation = get_organisation_by_id(wanted.organisation_id)
    return render_template("public/sent_again.html", **letterhead(organisation))


@bp.get("/n/<token>", strict_slashes=False)
def show_dispute(token: str) -> str:
    """What "this wasn't me" will do, and the button that does it."""
    return _dispute_page(signup.read_dispute_token(token), token)


@bp.post("/n/<token>", strict_slashes=False)
def dispute(token: str) -> ResponseReturnValue:
    """Stop mail to this address; allowing it again takes a link that is mailed there (C-083)."""
    if request.form.get("action") == "allow":
        return _dispute_page(signup.read_dispute_token(token), token), 403
    with unit_of_work():
        link = signup.read_dispute_token(token)
        is_blocked = signup.dispute(link, act_evidence("this wasn't me", token))
        organisation = get_organisation_by_id(link.request.organisation_id)
    return render_template(
        "public/not_me_done.html", is_blocked=is_blocked, **letterhead(organisation)
    )


def _dispute_page(link: signup.DisputeLink, token: str) -> str:
    organisation = get_organisation_by_id(link.request.organisation_id)
    return render_template(
        "public/not_me.html", token=token, is_blocked=link.is_blocked, **letterhead(organisation)
    )


def _ask(wanted: SignupRequest, token: str, *, again: bool = False) -> str:
    page = signup.page_of_request(wanted)
    return render_template(
        "public/confirm.html",
        page=page,
        wanted=wanted,
        token=token,
        again=again,
        shown=sign_timed(Purpose.PAGE, wanted.public_id),
        dispute_token=signup.sign_dispute_link(wanted.public_id, wanted.address_digest),
        stations=_stations(wanted.requested_at, (wanted.mail_evidence or {}).get("answered_at")),
        **letterhead(page.organisation),
    )


def _is_blocked(wanted: SignupRequest) -> bool:
    organisation = get_organisation_by_id(wanted.organisation_id)
    return subscriptions.is_blocked(organisation, wanted.address_digest)


def _standing(wanted: SignupRequest, token: str) -> str:
    """Where a request stands that cannot be confirmed (any more)."""
    if wanted.state is RequestState.CONFIRMED:
        return _render_confirmed(signup.standing(wanted))
    organisation = get_organisation_by_id(wanted.organisation_id)
    return render_template(
        "public/not_confirmable.html",
        token=token,
        is_blocked=_is_blocked(wanted),
        is_open=wanted.state is RequestState.PENDING and wanted.expires_at > now(),
        is_renewable=wanted.state is RequestState.PENDING,
        is_disputed=wanted.state is RequestState.DISPUTED,
        form_url=signup.form_url(wanted),
        **letterhead(organisation),
    )


def _render_confirmed(confirmed: signup.Confirmed) -> str:
    contact = confirmed.contact
    topics = [mailing_list.public_id for mailing_list in confirmed.lists]
    topics += [TRACKING_TOPIC] if confirmed.with_tracking else []
    links = links_of(contact, topics)
    return render_template(
        "public/confirmed.html",
        confirmed=confirmed,
        links=[links[topic] for topic in topics if topic in links],
        preferences_token=sign_lasting(Purpose.PREFERENCES, contact.public_id),
        **letterhead(confirmed.organisation),
    )


def _act(wanted: SignupRequest, token: str) -> ConfirmingAct:
    shown_at = _shown_at(wanted)
    pressed_after = (now() - shown_at).total_seconds() if shown_at else None
    return ConfirmingAct(
        method="POST",
        token_digest=digest(token),
        ip=truncate_ip(request.remote_addr or ""),
        user_agent=request.user_agent.string,
        shown_at=shown_at,
        # Noted, not judged: a robot is quick, and so is somebody with a keyboard (L-005, L-007).
        is_suspect=pressed_after is None or pressed_after < signup.HUMAN_SECONDS,
    )


def _shown_at(wanted: SignupRequest) -> datetime | None:
    try:
        public_id, signed_at = read_timed_with_age(
            Purpose.PAGE, request.form.get("shown", ""), max_age=PAGE_LIFE
        )
    except (LinkInvalid, LinkExpired):
        return None
    return datetime.fromtimestamp(signed_at, UTC) if public_id == wanted.public_id else None


def _stations(asked: datetime, mailed: str | None) -> list[dict[str, Any]]:
    mailed_at = datetime.fromisoformat(mailed) if mailed else None
    return [
        {"word": "asked", "at": asked, "done": True},
        {"word": "mail sent", "at": mailed_at, "done": True},
        {"word": "confirmed", "at": None, "done": False, "state": "waiting"},
        {"word": "anchored", "at": None, "done": False},
    ]
