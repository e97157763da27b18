"""Content and values for the tests of rendering: minimal, keyword-only."""

from __future__ import annotations

from mailer import rendering
from mailer.rendering import BodyFormat, CampaignContent, Rendered, Values

FIELDS = ("email", "first_name", "last_name", "tags", "colours", "age", "city", "site", "joined_on")


def make_content(
    body: str = "Hello",
    *,
    subject: str = "News",
    preheader: str = "",
    html: bool = False,
    language: str = "en",
    footer: bool = False,
) -> CampaignContent:
    return CampaignContent(
        subject=subject,
        preheader=preheader,
        body_format=BodyFormat.HTML if html else BodyFormat.MARKDOWN,
        body=body,
        language=language,
        has_automatic_footer=footer,
    )


def make_values(**contact: object) -> Values:
    return Values(
        contact={"email": "cleo@example.org", **contact},
        campaign={
            "subject": "News",
            "unsubscribe_url": "https://mail.example/u/token?a=1&b=2",
            "preferences_url": "https://mail.example/p/token",
        },
        organisation={
            "name": "Bakery",
            "legal_name": "Bakery Ltd",
            "imprint": "Bakery Ltd\n1 High Street\nOxford",
            "contact_email": "hello@bakery.example",
            "privacy_notice_url": "https://mail.example/privacy",
        },
        why="You confirmed this subscription on 1 March 2026.",
    )


def render(body: str = "Hello", *, values: Values | None = None, **content: object) -> Rendered:
    written = make_content(body, **content)  # type: ignore[arg-type]  # passed on as they came
    compiled = rendering.compile_content(written, contact_fields=FIELDS)
    return compiled.render(values or make_values(first_name="Cleo"))


def problems_of(body: str, **content: object) -> list[rendering.Problem]:
    written = make_content(body, **content)  # type: ignore[arg-type]  # passed on as they came
    return rendering.find_problems(written, contact_fields=FIELDS)


def main_html(rendered: Rendered) -> str:
    """The HTML of the body itself, without the page around it."""
    start = rendered.html.index('font-size:16px">\n') + len('font-size:16px">\n')
    return rendered.html[start : rendered.html.index("\n</td></tr>", start)]
