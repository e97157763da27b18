"""The page around a mail's HTML: one quiet column that any program and screen reader can follow.

No images. Colours of ink and paper stand together in one style sheet, for light and for dark: a
program that drops it, or inverts it, keeps a readable pair (A-014). Sizes and spacing stand inline.
"""

from __future__ import annotations

from html import escape

from mailer.rendering.running import Step
from mailer.rendering.words import direction_of

FACE = (
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
    "line-height:1.5;overflow-wrap:break-word"
)
_HIDDEN = (
    "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;"
    "mso-hide:all"
)
_LIGHT = (
    "body{margin:0;padding:0;width:100%;background:#ffffff;color:#1b1f24}"
    "a{color:#1f4f8f}.quiet{color:#525c69}"
)
_DARK = (
    "@media (prefers-color-scheme:dark){"
    "body{background:#15181c;color:#e8eaed}a{color:#9dc1f5}.quiet{color:#b4bdc9}}"
)
_TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
Parts = list[str | Step]


def build_page(
    *,
    language: str,
    has_own_colours: bool,
    title: Parts,
    preheader: Parts,
    body: Parts,
    footer: Parts,
) -> Parts:
    """Return the parts of the whole document; title, preheader, body and footer are safe HTML.

    A body with its own colours is shown on a light page always, for which it was written.
    """
    schemes = "light" if has_own_colours else "light dark"
    style = f":root{{color-scheme:{schemes};supported-color-schemes:{schemes}}}{_LIGHT}"
    if not has_own_colours:
        style += _DARK
    tag = escape(language.replace("_", "-"))
    direction = direction_of(language)
    side = "right" if direction == "rtl" else "left"
    head = _head(tag, direction, schemes)
    column = (
        f'" lang="{tag}" dir="{direction}">\n<table {_TABLE}><tr><td align="center" '
        f'style="padding:24px 16px">\n<table {_TABLE} style="max-width:600px">\n'
        f'<tr><td align="{side}" style="{FACE};font-size:16px">\n'
    )
    hidden: Parts = [f'<div style="{_HIDDEN}">', *preheader, "</div>\n"] if preheader else []
    quiet = (
        f'<tr><td class="quiet" align="{side}" style="{FACE};font-size:14px;padding:24px 0 0">\n'
    )
    below: Parts = [quiet, *footer, "\n</td></tr>\n"] if footer else []
    return [
        head,
        *title,
        f"</title>\n<style>{style}</style>\n</head>\n<body>\n",
        *hidden,
        '<div role="article" aria-roledescription="email" aria-label="',
        *title,
        column,
        *body,
        "\n</td></tr>\n",
        *below,
        "</table>\n</td></tr></table>\n</div>\n</body>\n</html>\n",
    ]


def _head(tag: str, direction: str, schemes: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="{tag}" dir="{direction}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f'<meta name="color-scheme" content="{schemes}">\n'
        f'<meta name="supported-color-schemes" content="{schemes}">\n'
        '<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">\n'
        "<title>"
    )
