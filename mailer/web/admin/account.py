"""One's own account: the password, and where one is signed in."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import access, accounts
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.web import sessions
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other

# The first mark that occurs wins, for most browsers name others as well.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@bp.get("/settings/account")
@needs(Right.READ)
def account() -> ResponseReturnValue:
    """The password form, the sessions, and the organisations one works for."""
    return _page()


@bp.post("/settings/account/password")
@needs(Right.READ)
def change_password() -> ResponseReturnValue:
    """Change the password; other sessions end."""
    me = signed_in()
    try:
        address = me.account.address
        with sessions.noting_refusal(address, "was refused a new password"), unit_of_work():
            accounts.change_password(
                me.session,
                request.form.get("current", ""),
                request.form.get("password", ""),
                network=sessions.visitor_network(),
                device=sessions.given_device(),
            )
            access.tell_password_changed(me.account)
            accounts.note(
                me.organisation, me.account, "changed their password", me.account.public_id
            )
    except Invalid as error:
        return _page(error.fields), 422
    words = "Your password is changed. Every other session has ended."
    return see_other(url_for(".account"), words)


@bp.post("/settings/account/sessions")
@needs(Right.READ)
def end_other_sessions() -> ResponseReturnValue:
    """End every session but this one."""
    me = signed_in()
    with unit_of_work():
        count = accounts.end_other_sessions(me.session)
        accounts.note(
            me.organisation, me.account, "ended their other sessions", me.account.public_id
        )
    words = "One session has ended." if count == 1 else f"{count} sessions have ended."
    return see_other(url_for(".account"), words)


@bp.post("/settings/account/sessions/<public_id>")
@needs(Right.READ)
def end_session(public_id: str) -> ResponseReturnValue:
    """End one session; without it, this browser asks to sign in again."""
    me = signed_in()
    with unit_of_work():
        accounts.end_session(me.account, public_id)
        accounts.note(me.organisation, me.account, "ended a session of theirs", public_id)
    return see_other(url_for(".account"), "That session has ended.")


def browser_name(user_agent: str) -> str:
    """What a person calls that browser, such as `Firefox on Linux`."""
    name = next((word for mark, word in BROWSERS if mark in user_agent), "Another browser")
    system = next((word for mark, word in SYSTEMS if mark in user_agent), "")
    return f"{name} on {system}" if system else name


def _page(errors: Mapping[str, str] | None = None) -> str:
    me = signed_in()
    return render_template(
        "admin/settings/account.html",
        errors=errors or {},
        address=me.account.address,
        browser=browser_name,
        sessions=accounts.list_sessions(me.account),
        this_session=me.session.public_id,
        this_organisation=me.organisation.public_id,
        memberships=accounts.list_memberships(me.account),
        shortest=accounts.SHORTEST_PASSWORD,
        longest=accounts.LONGEST_PASSWORD,
    )
