"""`python -m mailer.devkit SERVER DIRECTORY`: the developers' servers, for the supervisor to run."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

from mailer.devkit import CATCHER_DEFAULT_PORT, serve_catcher, serve_directory, serve_inbox

SERVERS = {
    "catch-mail": (serve_catcher, CATCHER_DEFAULT_PORT, "the mail catcher: SMTP in, files out"),
    "show-mail": (serve_inbox, 8025, "the catcher's inbox"),
    "show-site": (serve_directory, 8080, "a directory of plain files as a website"),
}


def main() -> int:
    """Run one server until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m mailer.devkit", description=__doc__)
    servers = parser.add_subparsers(required=True, metavar="SERVER")
    for name, (serve, port, text) in SERVERS.items():
        server = servers.add_parser(name, help=text)
        server.add_argument("directory", type=Path, help="where the files are")
        server.add_argument("--port", type=int, default=port, help=f"default: {port}")
        server.add_argument("--fd", type=int, help="an open file of ours that listens already")
        server.set_defaults(serve=serve)
    given = parser.parse_args()
    listener = None if given.fd is None else socket.socket(fileno=given.fd)
    given.serve(given.directory, port=given.port, listener=listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
