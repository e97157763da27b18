"""Letters from the service itself: plain text first, HTML as quiet as the text.

A letter has no image, no tracking and no place for promotion (C-021): a greeting, sentences, one
action with its address written below, sentences, a quieter second link, the imprint. The HTML
repeats the subject as its one heading (A-014).
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from mailer.foundation.errors import Invalid
from mailer.rendering.content import Rendered
from mailer.rendering.html_part import show_in_html
from mailer.rendering.links import is_web_address, quote_address
from mailer.rendering.running import clean_text
from mailer.rendering.skeleton import build_page
from mailer.rendering.text_part import RULE, wrap

_PARAGRAPH = "margin:0 0 16px"
_HEADING = "margin:0 0 16px;font-size:20px;line-height:1.3;font-weight:600"
_BUTTON = (
    "display:inline-block;padding:12px 24px;border-radius:6px;background-color:#1f4f8f;"
    "color:#ffffff;font-weight:600;line-height:20px;text-decoration:none"
)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A service mail; `action` and `secondary` are a label and a complete web address."""

    subject: str
    paragraphs: tuple[str, ...]
    imprint: str
    language: str
    greeting: str | None = None
    action: tuple[str, str] | None = None
    after: tuple[str, ...] = ()
    secondary: tuple[str, str] | None = None


def render_letter(letter: Letter) -> Rendered:
    """Return a letter's subject, HTML and text.

    Raises Invalid for a subject with a line end (E-005) and for a link that is no complete
    http or https address.
    """
    if any(mark in letter.subject for mark in "\r\n\0"):
        raise Invalid("The subject holds a line end.", {"subject": "This has to be one line."})
    for name, link in (("action", letter.action), ("secondary", letter.secondary)):
        if link is not None and not is_web_address(link[1]):
            raise Invalid("The letter's link is no web address.", {name: "Use a complete address."})
    return Rendered(
        subject=clean_text(letter.subject).strip(), html=_html(letter), text=_text(letter)
    )


def _text(letter: Letter) -> str:
    blocks = [wrap(clean_text(paragraph)) for paragraph in _before(letter)]
    if letter.action:
        blocks.append(_link_lines(letter.action))
    blocks += [wrap(clean_text(paragraph)) for paragraph in letter.after]
    if letter.secondary:
        blocks.append(_link_lines(letter.secondary))
    blocks.append([RULE])
    blocks.append(wrap(clean_text(letter.imprint)))
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _link_lines(link: tuple[str, str]) -> list[str]:
    label, url = link
    return [*wrap(f"{clean_text(label)}:"), quote_address(url)]


def _html(letter: Letter) -> str:
    subject = escape(clean_text(letter.subject).strip(), quote=False)
    body = [f'<h1 style="{_HEADING}">{subject}</h1>\n']
    body += [_paragraph(text) for text in _before(letter)]
    if letter.action:
        label, url = clean_text(letter.action[0]), escape(quote_address(letter.action[1]))
        button = f'<a href="{url}" style="{_BUTTON}">{show_in_html(label)}</a>'
        body.append(f'<p style="{_PARAGRAPH}">{button}</p>\n')
        body.append(f'<p style="{_PARAGRAPH};font-size:14px;word-break:break-all">{url}</p>\n')
    body += [_paragraph(text) for text in letter.after]
    if letter.secondary:
        label, url = clean_text(letter.secondary[0]), escape(quote_address(letter.secondary[1]))
        body.append(f'<p style="{_PARAGRAPH}"><a href="{url}">{show_in_html(label)}</a></p>\n')
    page = build_page(
        language=letter.language,
        has_own_colours=False,
        title=[escape(clean_text(letter.subject).strip())],
        preheader=[],
        body=[*body],
        footer=[show_in_html(clean_text(letter.imprint))],
    )
    return "".join(part for part in page if isinstance(part, str))


def _before(letter: Letter) -> tuple[str, ...]:
    return (letter.greeting, *letter.paragraphs) if letter.greeting else letter.paragraphs


def _paragraph(text: str) -> str:
    return f'<p style="{_PARAGRAPH}">{show_in_html(clean_text(text))}</p>\n'
