"""What a mail program, a chat or a person put around a link is taken off before anything is looked up.

A full stop, a bracket, a quotation mark, a slash, a line break of the mail: no token holds or ends in one, so
nothing of a link is lost (the token itself still has to verify).
"""

from __future__ import annotations

import re

from mailer.foundation.tokens import SIGNATURE_LENGTH

# The first part of a path behind which a token stands; the views are in mailer/web/public.
_PLACES = "c|e|i/no|i|m|n|p|proof|r|t|u|undo"
_MARK = "[A-Za-z0-9_-]"
_LINK = re.compile(
    rf"(/(?:{_PLACES})/)[^A-Za-z0-9_.]*((?:{_MARK}|[.~])+\.{_MARK}{{{SIGNATURE_LENGTH}}})"
    r"[^/]*(?:/+([\w.-]*\w)?.*)?",
    re.DOTALL,
)
# Blanks, control and zero-width characters, soft hyphens, and the soft line breaks of quoted-printable.
_UNSEEN = re.compile(
    "=?[\\s\\x00-\\x1f\\x7f\\xad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2064\\ufeff]+"
)


def clean_path(path: str) -> str:
    """A path (as WSGI has it, in Latin-1) without what stands around its token."""
    if len(path) < SIGNATURE_LENGTH:
        return path
    try:
        text = path.encode("latin-1").decode()
    except UnicodeError:
        text = path
    found = _LINK.fullmatch(_UNSEEN.sub("", text))
    if found is None:
        return path
    place, token, rest = found.groups()
    kept = f"{place}{token}/{rest}" if rest else f"{place}{token}"
    return kept.encode().decode("latin-1")
