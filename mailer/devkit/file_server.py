"""A directory of plain files as a website of its own origin: what a customer's site would be."""

from __future__ import annotations

import socket
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mailer.devkit.ports import listen


class _SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is inherited)
        pass


def serve_directory(
    directory: Path,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    listener: socket.socket | None = None,
) -> None:
    """Serve `directory` until the process is ended, at `listener` if given.

    Raises OSError when the port cannot be had.
    """
    handler = partial(_SilentHandler, directory=str(directory))
    with ThreadingHTTPServer((host, port), handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener or listen(host, port)
        server.serve_forever()
