"""Requests that change something on the team's side come from our own pages only (S-022).

The token is an HMAC under the session's own token, which no other site can read, so it needs no store and ends
with the session. Before sign-in a random cookie takes the session's place. The browser's own word on where the
request comes from is heard as well. Public forms have none of this: they rely on the token in their link.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import g, request

from mailer.foundation.errors import Forbidden

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED = (
    "This request did not come from a page of ours, or the page had been open for too long. "
    "Nothing was changed. Please go back, reload the page and try again."
)


def bind(key: str) -> None:
    """Tie the tokens of this request to `key`: the session's token, or the cookie before sign-in."""
    g.csrf_key = key


def csrf_token() -> str:
    """The token for a form on this page; empty on pages that bind none."""
    key = g.get("csrf_key")
    if not key:
        return ""
    return hmac.new(key.encode(), b"mailer.csrf", hashlib.sha256).hexdigest()


def check() -> None:
    """Raise Forbidden unless this request may change something."""
    if request.method in READING:
        return
    if not _is_from_here():
        raise Forbidden(REFUSED)
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    expected = csrf_token()
    if not expected or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise Forbidden(REFUSED)


def _is_from_here() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    # Pages that send no referrer send the origin "null"; there the token alone decides.
    return origin in (None, "null", request.host_url.rstrip("/"))
