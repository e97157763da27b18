"""What may stand in a link: values become part of an address without changing where it leads."""

from __future__ import annotations

import re
from urllib.parse import quote

from mailer.rendering.tree import Output, Text

_SCHEME = re.compile(r"(?i)(?:https?://[^/?#\s]|mailto:[^\s]|tel:[\d+])")
_COMPLETE_HOST = re.compile(r"(?i)https?://[^/?#\s]+[/?#]")
_AFTER_SCHEME = re.compile(r"(?i)(?:mailto|tel):")
_RASTER = re.compile(r"(?i)data:image/")
_LEGAL = "%:/?#[]@!$&'()*+,;=~-._"


def is_web_address(url: str) -> bool:
    """Tell whether this is a complete http or https address without blanks."""
    return re.fullmatch(r"(?i)https?://[^\s/?#<>\"\\]+[^\s<>\"]*", url) is not None


def is_safe_target(url: str) -> bool:
    """Tell whether a link may lead here: http, https, mailto or tel, and nothing else."""
    return _SCHEME.match(url) is not None


def quote_address(url: str) -> str:
    """Return an address with everything percent-encoded that no address may hold."""
    return quote(url, safe=_LEGAL)


def quote_part(value: str) -> str:
    """Return a value as one component of an address."""
    return quote(value, safe="@-._~")


def describe_fault(parts: list[Text | Output], *, is_image: bool) -> tuple[str, str] | None:
    """Say what is wrong with a link's target, and what to do; None when it is fine."""
    if not parts:
        return "This link leads nowhere.", "Give it a complete address: https://…"
    first = parts[0]
    if isinstance(first, Output):
        return None
    literal = first.text
    if is_image and _RASTER.match(literal):
        return None
    if literal.startswith("#") and not is_image:
        return None
    if not re.match(r"(?i)(?:https?|mailto|tel):", literal):
        guess = literal.lstrip("/")
        return (
            f"“{literal[:60]}” is not a complete address.",
            f"Write https://{guess[:60]}" if "." in guess else "Begin it with https://",
        )
    is_bound = _COMPLETE_HOST.match(literal) or _AFTER_SCHEME.match(literal)
    if len(parts) > 1 and not is_bound:
        return (
            "A placeholder cannot decide which host a link leads to.",
            "Write the host out, or let the placeholder hold the whole address.",
        )
    return None
