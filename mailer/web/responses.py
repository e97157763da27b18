"""Answers every view uses: see-other after a POST, notices that survive it, what the asker wants."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from flask import Response, g, request

from mailer.foundation import tokens
from mailer.foundation.context import settings
from mailer.foundation.errors import LinkInvalid

NOTICE_COOKIE = "notice"
NOTICE_AGE = timedelta(minutes=2)
NOTICE_KINDS = ("success", "info", "warning", "error")
LONGEST_NOTICE = 600
_PATH_MARKS = "/:@!$&'()*+,;=~-._"


def see_other(url: str, notice: str = "", *, kind: str = "success") -> Response:
    """303 after a POST; `notice` is shown once on the next page, as success, info, warning or error.

    It travels in a signed cookie, so that nobody can put words on our pages through a link.
    """
    response = Response(status=303, headers={"Location": url})  # encoded on its way out
    if notice:
        value = tokens.sign_timed(tokens.Purpose.NOTICE, [kind, notice[:LONGEST_NOTICE]])
        response.set_cookie(
            NOTICE_COOKIE,
            value,
            max_age=NOTICE_AGE,
            path="/admin",
            secure=settings().is_production,
            httponly=True,
            samesite="Lax",
        )
    return response


def take_notices() -> list[tuple[str, str]]:
    """The notice that waits for this page, if any; it is gone afterwards. Fragments take none."""
    value = request.cookies.get(NOTICE_COOKIE)
    if not value or wants_fragment():
        return []
    g.notice_taken = True
    try:
        kind, text = tokens.read_timed(tokens.Purpose.NOTICE, value, max_age=NOTICE_AGE)
    except LinkInvalid:
        return []
    return [(kind, text)]


def forget_taken_notice(response: Response) -> Response:
    """After each request: remove the cookie of a notice that was shown."""
    if g.get("notice_taken") and NOTICE_COOKIE not in str(response.headers.getlist("Set-Cookie")):
        response.delete_cookie(NOTICE_COOKIE, path="/admin")
    return response


def public_url() -> str:
    """Where the public pages are, for links from the team's side."""
    return settings().public_url


def wants_fragment() -> bool:
    """Whether a script asks for a part of a page."""
    return request.headers.get("X-Fragment") == "1"


def wants_json() -> bool:
    """Whether the asker sent JSON or prefers it to HTML."""
    if request.is_json or request.path == "/health":
        return True
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def local_path(text: str) -> str | None:
    """`text` when it is a path of the team's side, else None: no open redirect (S-006)."""
    if not text.startswith("/admin") or len(text) > 1000:
        return None
    if "\\" in text or "//" in text or not text.isprintable():
        return None
    return text


def path_with_query() -> str:
    """Path and query as asked for, quoted, such as `/admin/people/?search=a%20b`."""
    path = quote(request.path, safe=_PATH_MARKS)
    query = quote(request.query_string, safe=_PATH_MARKS + "%?")
    return f"{path}?{query}" if query else path
