"""The plain values that go into a rendering and come out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class BodyFormat(StrEnum):
    """How the author wrote the body."""

    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True, kw_only=True)
class CampaignContent:
    """What an author wrote. `language` is a BCP 47 tag; the automatic footer speaks it."""

    subject: str
    preheader: str
    body_format: BodyFormat
    body: str
    language: str
    has_automatic_footer: bool = True


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing in the content that cannot be sent; `line` counts from 1 within its field."""

    field: str
    line: int
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        sentence = f"Line {self.line}: {self.message}"
        return f"{sentence} {self.suggestion}" if self.suggestion else sentence


@dataclass(frozen=True, kw_only=True)
class Values:
    """What fills the placeholders for one person.

    `contact` holds text, numbers, booleans and lists of text. `campaign` holds subject,
    unsubscribe_url and preferences_url; `organisation` holds name, legal_name, imprint
    (several lines), contact_email and privacy_notice_url. `why` is one sentence that says
    why this person receives the mail. Where clicks are counted, `clicks` is what the links begin
    with that are led through us, and `stop` where that ends.
    """

    contact: Mapping[str, object]
    campaign: Mapping[str, str]
    organisation: Mapping[str, str]
    why: str
    clicks: str = ""
    stop: str = ""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A mail's three texts. Line ends are plain newlines."""

    subject: str
    html: str
    text: str
