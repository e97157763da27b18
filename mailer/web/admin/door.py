"""The way in to the team's pages: who is signed in, whether they may, and whether the request is theirs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue

from mailer.accounts import Right, SignedIn, may
from mailer.foundation.errors import Forbidden
from mailer.web import csrf, filters, sessions
from mailer.web.responses import local_path, path_with_query, see_other, take_notices

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

bp = Blueprint("admin", __name__, url_prefix="/admin")

SIGNED_OUT = (
    "You had been signed out, so nothing was saved. Sign in, then use your browser's Back button: "
    "what you entered is usually still there."
)


def needs(right: Right) -> Callable[[View[P]], View[P]]:
    """Let only team members with `right` through; every view of the team's side wears this.

    Sets `flask.g.signed_in` (account, member, organisation, session). Without a session the answer
    is the sign-in page, which leads back; a POST without our token is refused.
    """

    def wrap(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            signed_in = sessions.find_signed_in()
            if signed_in is None:
                return _ask_to_sign_in()
            _welcome(signed_in)
            csrf.check()
            if not may(signed_in.member.role, right):
                raise Forbidden("Your role in this organisation does not include this.")
            return view(*args, **kwargs)

        return guarded

    return wrap


def signed_in() -> SignedIn:
    """Who is signed in, inside a view that wears `needs`."""
    found: SignedIn = g.signed_in
    return found


def _welcome(found: SignedIn) -> None:
    g.signed_in = found
    csrf.bind(sessions.given_token())
    filters.speak_for(found.organisation.time_zone)
    # Plain values: an error page is drawn with them even when the database is gone.
    g.layout = {
        "organisation_name": found.organisation.name,
        "member_name": found.account.name,
        "member_role": found.member.role,
    }


@bp.context_processor
def _layout() -> dict[str, Any]:
    role = g.get("layout", {}).get("member_role")
    return {
        **g.get("layout", {}),
        "notices": take_notices(),
        "may": lambda right: role is not None and may(role, Right(right)),
    }


def _ask_to_sign_in() -> ResponseReturnValue:
    if request.method in csrf.READING:
        asked = local_path(path_with_query())
        return see_other(url_for("auth.sign_in", next=asked))
    return see_other(url_for("auth.sign_in"), SIGNED_OUT, kind="warning")
