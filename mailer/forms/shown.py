"""The token of a form as it was shown: which version, where, and when; no cookie is needed (S-050)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from mailer.forms.publishing import PublishedForm
from mailer.foundation import tokens
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.errors import LinkExpired, LinkInvalid

LONGEST_PAGE = 300


class Embed(StrEnum):
    """How the form came to the visitor."""

    HOSTED = "hosted"
    HTML = "html"
    FRAME = "frame"
    SCRIPT = "script"


class Standing(StrEnum):
    """What a token says about an answer."""

    GOOD = "good"
    EARLY = "early"  # answered sooner than a person could
    EXPIRED = "expired"
    OUTDATED = "outdated"  # another version was published meanwhile
    FOREIGN = "foreign"  # none, damaged, or of another form


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """One showing of a form. `origin` is the site around it, `page` its address, where known."""

    standing: Standing
    embed: Embed = Embed.HOSTED
    version: int = 0
    origin: str = ""
    page: str = ""
    shown_at: datetime | None = None


def sign_showing(
    published: PublishedForm, embed: Embed, *, origin: str = "", page: str = ""
) -> str:
    """The token that goes out with a form now."""
    return tokens.sign_timed(
        tokens.Purpose.FORM,
        {
            "f": published.form.public_id,
            "v": published.version.number,
            "e": str(embed),
            "o": origin,
            "p": page[:LONGEST_PAGE] if page.isascii() else "",
            "n": secrets.token_urlsafe(9),
        },
    )


def read_showing(published: PublishedForm, token: str) -> Showing:
    """What `token` says about this form; never raises, for a bad token only means showing it again."""
    longest = timedelta(hours=settings().form_token_max_hours)
    try:
        payload, signed_at = tokens.read_timed_with_age(tokens.Purpose.FORM, token, max_age=longest)
    except LinkExpired as error:
        return _showing(published, error.payload, Standing.EXPIRED, None)
    except LinkInvalid:
        return Showing(standing=Standing.FOREIGN)
    shown_at = datetime.fromtimestamp(signed_at, UTC)
    showing = _showing(published, payload, Standing.GOOD, shown_at)
    if showing.standing is not Standing.GOOD:
        return showing
    if showing.version != published.version.number:
        return replace(showing, standing=Standing.OUTDATED)
    if now() - shown_at < timedelta(seconds=settings().form_token_min_seconds):
        return replace(showing, standing=Standing.EARLY)
    return showing


def _showing(
    published: PublishedForm, payload: Any, standing: Standing, shown_at: datetime | None
) -> Showing:
    if not isinstance(payload, dict) or payload.get("f") != published.form.public_id:
        return Showing(standing=Standing.FOREIGN)
    return Showing(
        standing=standing,
        embed=Embed(payload["e"]),
        version=payload["v"],
        origin=payload["o"],
        page=payload["p"],
        shown_at=shown_at,
    )
