"""Asking somebody outside over HTTP: https or this machine only, no redirects, little time, short answers.

Uses no database; callers ask outside of any unit of work.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from threading import Timer
from urllib.parse import urlsplit

from mailer.foundation.errors import MailerError

SECONDS = 20
LARGEST_ANSWER = 256 * 1024


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
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, seconds)
    end = Timer(seconds, _end, [connection])
    end.daemon = True
    end.start()
    try:
        headers = {"Content-Type": content_type, "User-Agent": "mailer", "Connection": "close"}
        connection.request("POST", parts.path or "/", body, headers)
        response = connection.getresponse()
        answer = response.read(LARGEST_ANSWER + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AnchorFailed(_why(error, is_over=not end.is_alive())) from None
    finally:
        end.cancel()
        connection.close()
    if len(answer) > LARGEST_ANSWER:
        raise AnchorFailed("It answers with more than anybody needs to say.")
    kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    return Reply(response.status, kind, answer)


def _connection(
    scheme: str, host: str, port: int | None, seconds: float
) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    return http.client.HTTPConnection(host, port, timeout=seconds)


def _end(connection: http.client.HTTPConnection) -> None:
    """Cut a connection off whose time is over: each single read of it might be in time."""
    if connection.sock is not None:
        try:
            # Not the method of SSLSocket, which is for the thread that reads.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        except OSError:
            return


def _why(error: Exception, *, is_over: bool) -> str:
    if is_over or isinstance(error, TimeoutError):
        return "It does not answer in time."
    if isinstance(error, ssl.SSLError):
        return f"Its certificate or its TLS cannot be trusted: {error.reason or error}."
    if isinstance(error, http.client.HTTPException):
        return "It does not answer in HTTP."
    return f"It cannot be reached: {getattr(error, 'strerror', None) or error}."
