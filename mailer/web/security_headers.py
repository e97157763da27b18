"""What every response tells the browser: nothing from elsewhere, nothing framed, nothing sniffed (S-020)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from flask import Flask, Response, request

from mailer.foundation.context import settings

CSP = "Content-Security-Policy"
_YEAR_SECONDS = 31_536_000


@lru_cache(maxsize=64)
def policy(frame_ancestors: tuple[str, ...] = ()) -> str:
    """The content security policy of our own pages, framable by `frame_ancestors` (origins) only."""
    ancestors = " ".join(frame_ancestors) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
        f"frame-ancestors {ancestors}; base-uri 'none'; object-src 'none'"
    )


MAIL_PREVIEW_POLICY = (
    "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'; object-src 'none'"
)


def allow_framing(response: Response, origins: Sequence[str]) -> Response:
    """Let pages of `origins` (scheme, host and port, or 'self') frame this one response (S-052)."""
    response.headers[CSP] = policy(tuple(origins))
    return response


def as_mail_preview(response: Response) -> Response:
    """A mail shown inside our page: its own styles and remote pictures, no script, its own origin (S-023)."""
    response.headers[CSP] = MAIL_PREVIEW_POLICY
    return response


def register(app: Flask) -> None:
    """Add the headers to every response of `app`."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    given = {name.lower() for name, _ in response.headers}
    for name, value in _wanted(response):
        if name.lower() not in given:
            response.headers.add(name, value)
    return response


def _wanted(response: Response) -> Iterator[tuple[str, str]]:
    yield "X-Content-Type-Options", "nosniff"
    if settings().is_production:
        yield "Strict-Transport-Security", f"max-age={_YEAR_SECONDS}; includeSubDomains"
    if response.mimetype == "text/html":
        yield CSP, policy()
        yield "Cross-Origin-Opener-Policy", "same-origin"
        yield "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
    is_secret = "token" in (request.view_args or {})
    yield "Referrer-Policy", "no-referrer" if is_secret else "same-origin"
    if is_secret or request.path.startswith("/admin") or response.status_code >= 400:
        yield "Cache-Control", "no-store"
        yield "X-Robots-Tag", "noindex, nofollow"
