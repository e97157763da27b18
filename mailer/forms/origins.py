"""Web origins a form may be embedded on: scheme, host and port, nothing else. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from mailer.foundation.errors import Invalid

MOST_ORIGINS = 20
LONGEST_ORIGIN = 200
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_DEFAULT_PORTS = {"https": 443, "http": 80}


def parse_origin(text: str) -> str:
    """`text` as a browser would send it in Origin (RFC 6454 6.1). Raises Invalid.

    https only, except for the machine one sits at.
    """
    text = text.strip().rstrip("/")
    refused = Invalid(f"“{text[:80]}” is not an address such as https://www.example.org.")
    try:
        parts = urlsplit(text.lower())
        port = parts.port
    except ValueError:
        raise refused from None
    if len(text) > LONGEST_ORIGIN or "\\" in text or any(mark.isspace() for mark in text):
        raise refused
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        raise refused
    host = _host(parts.hostname or "")
    if parts.scheme not in _DEFAULT_PORTS or not host or port == 0:
        raise refused
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise Invalid(f"“{text[:80]}” must begin with https://.")
    shown = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def parse_origins(lines: str) -> list[str]:
    """One origin a line, without doubles. Raises Invalid with the first line that cannot be used."""
    found: list[str] = []
    for line in lines.split():
        origin = parse_origin(line)
        if origin not in found:
            found.append(origin)
    if len(found) > MOST_ORIGINS:
        raise Invalid(f"Please give at most {MOST_ORIGINS} addresses.")
    return found


def origin_of(url: str | None) -> str:
    """The origin of an address a browser sent (Origin or Referer), or an empty string."""
    if not url or len(url) > 4000:
        return ""
    try:
        parts = urlsplit(url)
        return parse_origin(f"{parts.scheme}://{parts.netloc}")
    except (Invalid, ValueError):
        return ""


def is_allowed(origin: str, allowed: Iterable[str]) -> bool:
    """Whether `origin` is one of `allowed`."""
    return bool(origin) and origin in set(allowed)


def _host(name: str) -> str:
    if name == "::1":
        return "[::1]"
    try:
        ascii_name = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        return ""
    return ascii_name if _HOST.fullmatch(ascii_name) and len(ascii_name) <= 253 else ""
