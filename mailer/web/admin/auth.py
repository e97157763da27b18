"""Signing in and out, choosing the organisation, and taking up an invitation."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.web import csrf, sessions
from mailer.web.admin.door import needs, signed_in
from mailer.web.responses import local_path, see_other, take_notices

bp = Blueprint("auth", __name__, url_prefix="/admin")


@bp.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The sign-in page, or straight on for somebody who is signed in already."""
    onward = local_path(request.args.get("next", ""))
    if sessions.find_signed_in() is not None:
        return see_other(onward or url_for("admin.overview"))
    return _sign_in_page(onward)


@bp.post("/sign-in")
def enter() -> ResponseReturnValue:
    """Start a session, and end the one this browser had before."""
    _bind_seed()
    csrf.check()
    onward = local_path(request.form.get("next", ""))
    address = request.form.get("address", "").strip()[:254]
    try:
        who = accounts.authenticate(
            address, request.form.get("password", ""), network=sessions.visitor_network()
        )
    except Invalid as error:
        with unit_of_work():
            accounts.note_refused_sign_in(address)
        return _sign_in_page(onward, address=address, problem=str(error), status=401)
    before = accounts.session_of(sessions.given_token())
    with unit_of_work():
        if before is not None:
            accounts.sign_out(before.session)
        token, _session = accounts.start_session(who, sessions.user_agent())
    return sessions.remember_session(see_other(onward or url_for("admin.overview")), token)


@bp.post("/sign-out")
@needs(Right.READ)
def sign_out() -> ResponseReturnValue:
    """End the session of this browser."""
    me = signed_in()
    with unit_of_work():
        accounts.sign_out(me.session)
        accounts.note(me.organisation, me.account, "signed out", me.session.public_id)
    response = see_other(url_for("auth.sign_in"), "You are signed out.", kind="info")
    return sessions.forget_session(response)


@bp.post("/organisation")
@needs(Right.READ)
def switch() -> ResponseReturnValue:
    """Work for another organisation of the same person."""
    with unit_of_work():
        organisation = accounts.switch_organisation(
            signed_in().session, request.form.get("organisation", "")
        )
    return see_other(url_for("admin.overview"), f"You now work for {organisation.name}.")


@bp.get("/invitation/<token>")
def invitation(token: str) -> ResponseReturnValue:
    """What the invitation offers, and the form that accepts it."""
    return _invitation_page(token)


@bp.post("/invitation/<token>")
def accept(token: str) -> ResponseReturnValue:
    """Join the team and go to the sign-in page."""
    _bind_seed()
    csrf.check()
    name = request.form.get("name", "")
    try:
        with unit_of_work():
            joined = accounts.accept_invitation(token, request.form.get("password", ""), name=name)
    except Invalid as error:
        return _invitation_page(token, name=name, errors=error.fields)
    words = f"Welcome to the team of {joined.organisation.name}. Please sign in."
    return see_other(url_for("auth.sign_in"), words)


def _sign_in_page(
    onward: str | None, *, address: str = "", problem: str = "", status: int = 200
) -> Response:
    seed = _bind_seed()
    notices = [("error", problem)] if problem else take_notices()
    page = render_template("admin/auth/sign_in.html", notices=notices, next=onward, address=address)
    response = make_response(page, status)
    return sessions.remember_seed(response, seed)


def _invitation_page(
    token: str, *, name: str | None = None, errors: dict[str, str] | None = None
) -> Response:
    seed = _bind_seed()
    invited = accounts.read_invitation(token)
    page = render_template(
        "admin/auth/invitation.html",
        token=token,
        organisation=invited.organisation.name,
        role=invited.member.role,
        address=invited.account.address,
        has_account=invited.has_password,
        name=invited.account.name if name is None else name,
        errors=errors or {},
        shortest=accounts.SHORTEST_PASSWORD,
        longest=accounts.LONGEST_PASSWORD,
    )
    response = make_response(page, 422 if errors else 200)
    return sessions.remember_seed(response, seed)


def _bind_seed() -> str:
    seed = sessions.given_seed() or sessions.new_seed()
    csrf.bind(seed)
    return seed
