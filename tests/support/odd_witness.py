"""A witness that does what a test tells it to: lies, errors, silence. Answers are written by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mailer.foundation.setting_entries import WitnessAddress
from mailer.witness.keys import WitnessKey
from tests.support.waiting import take_time

NAME = "odd.example.net/w"


@dataclass
class Says:
    """One answer over HTTP."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class OddWitness:
    """`says` makes the answer out of a request; by default it cosigns whatever it is given."""

    says: Callable[[str], Says] | None = None
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    name: str = NAME
    requests: list[str] = field(default_factory=list)
    drips_for: float = 0
    is_silent: bool = False
    url: str = ""
    _end: Event = field(default_factory=Event)

    @property
    def signer(self) -> WitnessKey:
        return WitnessKey(self.name, self.key)

    @property
    def address(self) -> WitnessAddress:
        return WitnessAddress(self.name, self.signer.vkey, self.url)

    @property
    def setting(self) -> str:
        return f"{self.signer.vkey} {self.url}"

    def cosigns(self, note: str, at: int) -> Says:
        """An honest cosignature over the text of `note`."""
        return Says(body=self.signer.cosign(text_of(note), at).encode())

    @contextmanager
    def listening(self) -> Iterator[OddWitness]:
        """On a socket; `url` says where."""
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = self.rfile.read(length).decode()
                witness.requests.append(request)
                if witness.is_silent:
                    witness._end.wait(30)
                    return
                assert witness.says is not None
                said = witness.says(request)
                self.send_response(said.status)
                self.send_header("Content-Type", said.content_type)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                for place in range(len(said.body)) if witness.drips_for else ():
                    take_time(witness.drips_for / len(said.body))
                    self.wfile.write(said.body[place : place + 1])
                if not witness.drips_for:
                    self.wfile.write(said.body)

            def log_message(self, *args: object) -> None:
                pass

        with _QuietServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            try:
                yield self
            finally:
                self._end.set()
                server.shutdown()
                thread.join()


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked has gone: that is what some tests are about."""


def note_of(request: str) -> str:
    """The checkpoint in a request."""
    return request.partition("\n\n")[2]


def text_of(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"
