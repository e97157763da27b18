"""How the text of a setting becomes a value; each reader raises ValueError with what to give instead."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

SHORTEST_SECRET = 32
FEWEST_CHARACTERS = 8  # of 32 random hexadecimal ones, fewer come once in a million times
MAKE_ONE = "make one with python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
# Words of examples and defaults. Six letters at least: no random secret holds one by chance.
GIVEAWAYS = (
    "changeme",
    "change-me",
    "change_me",
    "default",
    "example",
    "insecure",
    "password",
    "placeholder",
    "replace",
    "secret",
)


def text(given: str) -> str:
    """One line, trimmed; may be empty."""
    if any(ord(mark) < 32 for mark in given.strip()):
        raise ValueError("give one line without control characters")
    return given.strip()


def name(given: str) -> str:
    """A host name or address: not empty, no spaces."""
    if not given.strip() or any(mark.isspace() for mark in given.strip()):
        raise ValueError("give a host name or an IP address")
    return text(given)


def directory(given: str) -> Path:
    """A directory, made absolute; it need not exist."""
    if not given.strip():
        raise ValueError("give a directory")
    try:
        return Path(given.strip()).expanduser().absolute()
    except RuntimeError:
        raise ValueError("give a directory; this home directory is not known") from None


def file(given: str) -> Path | None:
    """A file, made absolute; it need not exist. None when nothing is given."""
    return directory(given) if given.strip() else None


def choice(*allowed: str) -> Callable[[str], str]:
    """One of `allowed`."""

    def parse(given: str) -> str:
        if given.strip() not in allowed:
            raise ValueError(f"choose one of {', '.join(allowed)}")
        return given.strip()

    return parse


def whole(smallest: int, largest: int) -> Callable[[str], int]:
    """A whole number from `smallest` to `largest`."""

    def parse(given: str) -> int:
        expected = f"give a whole number from {smallest} to {largest}"
        try:
            number = int(given.strip())
        except ValueError:
            raise ValueError(expected) from None
        if not smallest <= number <= largest:
            raise ValueError(expected)
        return number

    return parse


def url(given: str) -> str:
    """Scheme and host of a site, perhaps a port; never a path or a password."""
    expected = "give scheme and host only, such as https://news.example.org"
    try:
        parts = urlsplit(given.strip())
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        raise ValueError(expected) from None
    if parts.scheme not in ("http", "https") or not has_host or "@" in parts.netloc:
        raise ValueError(expected)
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        raise ValueError(expected)
    if any(mark.isspace() or mark in "\\<>\"'" for mark in given.strip()):
        raise ValueError(expected)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def database_url(given: str) -> str:
    """The address of an SQLite file or a PostgreSQL database; empty for the default."""
    address = given.strip()
    if address.startswith(("postgresql://", "postgres://")):
        address = "postgresql+psycopg://" + address.split("://", 1)[1]
    if address and not address.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("give sqlite:///path or postgresql://user:password@host/name")
    return address


def name_servers(given: str) -> tuple[tuple[str, int], ...]:
    """IP addresses of DNS servers separated by commas, each perhaps with a port; may be empty."""
    return tuple(_name_server(part.strip()) for part in given.split(",") if part.strip())


def _name_server(given: str) -> tuple[str, int]:
    address, port = given, "53"
    if given.startswith("["):
        address, end, rest = given[1:].partition("]")
        port = rest.removeprefix(":") if rest or not end else port
    elif given.count(":") == 1:
        address, _, port = given.partition(":")
    try:
        return str(ipaddress.ip_address(address)), whole(1, 65535)(port)
    except ValueError:
        raise ValueError("give IP addresses such as 192.0.2.1, 192.0.2.1:5353, [::1]:53") from None


def redis_url(given: str) -> str:
    """The address of a Redis; empty for the default."""
    address = given.strip()
    if address and not address.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("give redis://host:6379/0, rediss://… or unix:///path/redis.sock?db=0")
    return address


def countries(given: str) -> tuple[str, ...]:
    """Two-letter country codes separated by commas (ISO 3166-1 alpha-2); may be empty."""
    codes = tuple(part.strip().upper() for part in given.split(",") if part.strip())
    if any(len(code) != 2 or not code.isascii() or not code.isalpha() for code in codes):
        raise ValueError("give two-letter country codes separated by commas, such as IE,DE")
    return codes


def secret(given: str) -> str:
    """A long random text. What only looks like one, as in examples, is refused."""
    value = given.strip()
    if len(value) < SHORTEST_SECRET or len(set(value)) < FEWEST_CHARACTERS:
        raise ValueError(f"a secret needs at least {SHORTEST_SECRET} random characters; {MAKE_ONE}")
    if any(word in value.lower() for word in GIVEAWAYS) or _repeats(value) or _counts(value):
        raise ValueError(f"this looks like an example, not like a secret; {MAKE_ONE}")
    return value


def key_name(given: str) -> str:
    """What signed notes allow as the name of a key, or nothing."""
    if "+" in given or any(mark.isspace() for mark in given.strip()):
        raise ValueError("give a name without spaces and plus, such as example.org/log")
    return text(given)


def optional_secret(given: str) -> str:
    """Like `secret`, or nothing."""
    return secret(given) if given.strip() else ""


def secrets(given: str) -> tuple[str, ...]:
    """Secrets separated by commas, at least one."""
    return tuple(secret(part) for part in given.split(",") if part.strip()) or (secret(""),)


def _repeats(value: str) -> bool:
    """Whether it is one shorter text over and over."""
    return any(value[start:] == value[:-start] for start in range(1, len(value) // 2 + 1))


def _counts(value: str) -> bool:
    """Whether most characters follow from the one before, as in 0123… and abcd…."""
    steps = [abs(ord(after) - ord(before)) for before, after in pairwise(value)]
    return sum(step <= 1 for step in steps) > len(steps) * 3 // 4
