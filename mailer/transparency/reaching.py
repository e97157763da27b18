"""Asking somebody outside over HTTP: https or this machine only, no redirects, little time, short answers.

Uses no database; callers ask outside of any unit of work.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Timer
from urllib.parse import urlsplit

from mailer.foundation.errors import MailerError

SECONDS = 20
LARGEST_ANSWER = 256 * 1024
TOO_LATE = "It does not answer in time."


class AnchorFailed(MailerError):
    """A witness or an authority did not give what was asked; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    content_type: str
    body: bytes


def post(url: str, body: bytes, content_type: str, *, seconds: float = SECONDS) -> Reply:
    """Send `body`, and have the whole answer within `seconds`. Raises AnchorFailed.

    Redirects are answers like others; more than 256 KiB is none.
    """
    with _talking("POST", url, body, content_type, seconds) as response:
        return _read(response, LARGEST_ANSWER)


def get(url: str, *, largest: int, allows_local: bool) -> Reply:
    """What lies at an address that somebody else named, such as a certificate. Raises AnchorFailed.

    Only http and https on their own ports, and only addresses of the public network, unless `allows_local`:
    nobody gets to point us at what is behind our own wall (S-065).
    """
    parts = urlsplit(url)
    is_plain = parts.scheme in ("http", "https") and "@" not in parts.netloc
    if not is_plain or not (allows_local or parts.port in (None, 80, 443)):
        raise AnchorFailed("That is no address of a public web server.")
    with _talking("GET", url, None, "", SECONDS, is_public=not allows_local) as response:
        return _read(response, largest)


@contextmanager
def _talking(
    method: str,
    url: str,
    body: bytes | None,
    content_type: str,
    seconds: float,
    *,
    is_public: bool = False,
) -> Iterator[http.client.HTTPResponse]:
    """One request and its response, which ends with its time whatever the other side does."""
    parts = urlsplit(url)
    is_over = Event()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"User-Agent": "mailer", "Accept-Encoding": "identity"}
    if content_type:
        headers["Content-Type"] = content_type
    try:
        plain = _connect(url, seconds, is_public=is_public)
        with plain, _ended_after(seconds, plain, is_over):
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            connection.sock = _secured(plain, parts.hostname or "") if is_https(url) else plain
            with closing(connection):
                connection.request(method, path, body, headers)
                with connection.getresponse() as response:
                    yield response
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AnchorFailed(_why(error, is_over=is_over.is_set())) from None
    if is_over.is_set():
        raise AnchorFailed(TOO_LATE)


def _read(response: http.client.HTTPResponse, largest: int) -> Reply:
    answer = response.read(largest + 1)
    if len(answer) > largest:
        raise AnchorFailed("It answers with more than anybody needs to say.")
    kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    return Reply(response.status, kind, answer)


def is_https(url: str) -> bool:
    """Whether the address is spoken to over TLS."""
    return urlsplit(url).scheme == "https"


def _connect(url: str, seconds: float, *, is_public: bool) -> socket.socket:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if is_https(url) else 80)
    if not is_public:
        return socket.create_connection((host, port), timeout=seconds)
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        found = str(address[0])
        if ipaddress.ip_address(found.partition("%")[0]).is_global:
            # The address that was looked at, not the name: it might lead elsewhere the next time.
            return socket.create_connection((found, port), timeout=seconds)
    raise OSError(f"{host} is not in the public network")


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


@contextmanager
def _ended_after(seconds: float, connection: socket.socket, is_over: Event) -> Iterator[None]:
    """Cut a connection off when its time is over: each single read of it might be in time."""
    with connection.dup() as other_end:

        def cut() -> None:
            is_over.set()
            with suppress(OSError):
                other_end.shutdown(socket.SHUT_RDWR)

        timer = Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _why(error: Exception, *, is_over: bool) -> str:
    if is_over or isinstance(error, TimeoutError):
        return TOO_LATE
    if isinstance(error, ssl.SSLError):
        return f"Its certificate or its TLS cannot be trusted: {error.reason or error}."
    if isinstance(error, http.client.HTTPException):
        return "It does not answer in HTTP."
    return f"It cannot be reached: {getattr(error, 'strerror', None) or error}."
