"""Asking somebody outside over HTTP: https or this machine only, no redirects, little time, short answers.

Uses no database; callers ask outside of any unit of work.
"""

from __future__ import annotations

import http.client
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
    parts = urlsplit(url)
    is_over = Event()
    try:
        with _connect(url, seconds) as plain, _ended_after(seconds, plain, is_over):
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            connection.sock = _secured(plain, parts.hostname or "") if is_https(url) else plain
            with closing(connection):
                headers = {"Content-Type": content_type, "User-Agent": "mailer"}
                connection.request("POST", parts.path or "/", body, headers)
                with connection.getresponse() as response:
                    answer = response.read(LARGEST_ANSWER + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AnchorFailed(_why(error, is_over=is_over.is_set())) from None
    if is_over.is_set():
        raise AnchorFailed(TOO_LATE)
    if len(answer) > LARGEST_ANSWER:
        raise AnchorFailed("It answers with more than anybody needs to say.")
    kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    return Reply(response.status, kind, answer)


def is_https(url: str) -> bool:
    """Whether the address is spoken to over TLS."""
    return urlsplit(url).scheme == "https"


def _connect(url: str, seconds: float) -> socket.socket:
    parts = urlsplit(url)
    port = parts.port or (443 if is_https(url) else 80)
    return socket.create_connection((parts.hostname or "", port), timeout=seconds)


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
