"""Signing in and out, a new password, choosing the organisation, and taking up an invitation."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import access, accounts
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
        with sessions.noting_refusal(address, "was refused a sign-in"):
            who = accounts.authenticate(
                address,
                request.form.get("password", ""),
                network=sessions.visitor_network(),
                device=sessions.given_device(),
            )
    except Invalid as error:
        return _sign_in_page(onward, address=address, problem=str(error), status=401)
    before = accounts.session_of(sessions.given_token())
    with unit_of_work():
        if before is not None:
            accounts.sign_out(before.session)
        token, _session = accounts.start_session(who, sessions.user_agent())
    response = see_other(onward or url_for("admin.overview"))
    sessions.remember_device(response, accounts.device_token(who.account))
    return sessions.remember_session(response, token)


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
    address = accounts.read_invitation(token).account.address
    try:
        with sessions.noting_refusal(address, "was refused joining a team"), unit_of_work():
            joined = accounts.accept_invitation(
                token,
                request.form.get("password", ""),
                name=name,
                network=sessions.visitor_network(),
                device=sessions.given_device(),
            )
    except Invalid as error:
        return _invitation_page(token, name=name, errors=error.fields)
    words = f"Welcome to the team of {joined.organisation.name}. Please sign in."
    return see_other(url_for("auth.sign_in"), words)


@bp.get("/forgotten")
def forgotten() -> ResponseReturnValue:
    """The form that asks for a link to a new password."""
    return _plain_page("admin/auth/forgotten.html", was_asked=False)


@bp.post("/forgotten")
def ask_for_reset() -> ResponseReturnValue:
    """Mail the link, if there is such an account; the answer is the same in any case."""
    _bind_seed()
    csrf.check()
    address = request.form.get("address", "").strip()[:254]
    with unit_of_work():
        access.mail_reset(address, network=sessions.visitor_network())
    return _plain_page("admin/auth/forgotten.html", was_asked=True)


@bp.get("/new-password/<token>")
def new_password(token: str) -> ResponseReturnValue:
    """The form behind the mailed link; opening it changes nothing."""
    access.read_reset(token)
    return _new_password_page(token, {})


@bp.post("/new-password/<token>")
def reset_password(token: str) -> ResponseReturnValue:
    """Set the new password and go to the sign-in page."""
    _bind_seed()
    csrf.check()
    try:
        with unit_of_work():
            access.reset_password(token, request.form.get("password", ""))
    except Invalid as error:
        return _new_password_page(token, error.fields)
    words = "Your password is changed, and every session has ended. Please sign in."
    return see_other(url_for("auth.sign_in"), words)


def _new_password_page(token: str, errors: dict[str, str]) -> Response:
    page = _plain_page(
        "admin/auth/new_password.html",
        token=token,
        errors=errors,
        shortest=accounts.SHORTEST_PASSWORD,
        longest=accounts.LONGEST_PASSWORD,
    )
    page.status_code = 422 if errors else 200
    return page


def _plain_page(template: str, **values: object) -> Response:
    seed = _bind_seed()
    response = make_response(render_template(template, **values))
    return sessions.remember_seed(response, seed)


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
        address=invited.member.invited_address,
        name=invited.member.invited_name if name is None else name,
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
