"""Which port is free, and whether somebody answers on it."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Callable

from mailer.foundation.errors import SettingsInvalid

_ANSWER_SECONDS = 0.5


class PortTaken(SettingsInvalid):
    """Another program listens where we wanted to."""


def is_port_free(host: str, port: int) -> bool:
    """Say whether we could listen there now. Raises socket.gaierror for an unknown host."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without this a port that was merely in use a moment ago would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except socket.gaierror:
            raise
        except OSError:
            return False
    return True


def require_free_port(host: str, port: int, setting: str) -> None:
    """Raise PortTaken, with the name of the setting that moves us elsewhere, unless it is free."""
    if not is_port_free(host, port):
        raise PortTaken(
            f"Port {port} on {host} is taken by another program, or may not be used by us. "
            f"Stop that program, or set {setting} to a free port."
        )


def find_free_port(host: str, first: int, *, tries: int = 50) -> int:
    """Return the first free port from `first` upwards. Raises PortTaken after `tries` ports."""
    for port in range(first, min(first + tries, 65536)):
        if is_port_free(host, port):
            return port
    raise PortTaken(f"No free port on {host} from {first} to {first + tries - 1}.")


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
