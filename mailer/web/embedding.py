"""The code that somebody copies into a website, for each of the three ways.

Script and frame come with a link, which stays where neither of them works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from flask import render_template


@dataclass(frozen=True, slots=True)
class EmbedCodes:
    """HTML to paste: a plain form, a frame, a script."""

    html: str
    frame: str
    script: str


def embed_codes(page: Mapping[str, Any]) -> EmbedCodes:
    """The codes of a published form, given as plain values (`describe_published`)."""
    url, title = escape(page["url"]), escape(page["title"])
    link = f'<a href="{url}" data-mailer-form>{title}: open the form on its own page</a>'
    return EmbedCodes(
        html=render_template("public/embed_code.html", page=page).strip(),
        frame=(
            f'<iframe src="{url}/frame" title="{title}" width="100%" height="900" '
            'style="border:0" referrerpolicy="origin" loading="lazy"></iframe>\n'
            f'<p>{link}</p>\n<script src="{url}/resize.js" async></script>'
        ),
        script=f'<p>{link}</p>\n<script src="{url}/embed.js" async></script>',
    )
