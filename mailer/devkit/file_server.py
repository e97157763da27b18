"""A directory of plain files as a website of its own origin: what a customer's site would be."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is inherited)
        pass


def serve_directory(directory: Path, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve `directory` until the process is ended. Raises OSError when the port cannot be had."""
    handler = partial(_SilentHandler, directory=str(directory))
    with ThreadingHTTPServer((host, port), handler) as server:
        server.serve_forever()
