"""Listening where nobody else does, and whether somebody answers there."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Callable

from mailer.foundation.errors import SettingsInvalid

_ANSWER_SECONDS = 0.5


class PortTaken(SettingsInvalid):
    """Another program listens where we wanted to."""


def listen(host: str, port: int) -> socket.socket:
    """Listen there. Raises OSError when somebody else does.

    What listens once is handed on to whoever serves, so that nobody can take the port meanwhile.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without this a port that was merely in use a moment ago would count as taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(socket.SOMAXCONN)
    except OSError:
        listener.close()
        raise
    return listener


def listen_at(host: str, port: int, setting: str) -> socket.socket:
    """Listen on just this port. Raises PortTaken, with the name of the setting that moves us elsewhere."""
    try:
        return listen(host, port)
    except OSError:
        raise PortTaken(
            f"Port {port} on {host} is taken by another program, or may not be used by us. "
            f"Stop that program, or set {setting} to a free port."
        ) from None


def listen_from(host: str, first: int, *, tries: int = 50) -> socket.socket:
    """Listen on the first free port from `first` upwards. Raises PortTaken after `tries` ports."""
    for port in range(first, min(first + tries, 65536)):
        with contextlib.suppress(OSError):
            return listen(host, port)
    raise PortTaken(f"No free port on {host} from {first} to {first + tries - 1}.")


def port_of(listener: socket.socket) -> int:
    """The port it listens on."""
    port: int = listener.getsockname()[1]
    return port


def accepts_connections(host: str, port: int) -> Callable[[], bool]:
    """Return a question for `Child.ready`: does somebody listen there?"""

    def ask() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((host, port), _ANSWER_SECONDS):
            return True
        return False

    return ask


def answers_http(host: str, port: int, path: str = "/") -> Callable[[], bool]:
    """Return a question for `Child.ready`: does a web server there answer below 500?"""

    def ask() -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def greets_smtp(host: str, port: int) -> Callable[[], bool]:
    """Return a question for `Child.ready`: does a mail server there bid us welcome?"""

    def ask() -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, port), _ANSWER_SECONDS) as connection,
        ):
            return connection.recv(4).startswith(b"220")
        return False

    return ask
