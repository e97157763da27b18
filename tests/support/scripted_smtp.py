"""An SMTP server on a real socket that does what a test tells it, wrong things too."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Self

DEFAULTS: Mapping[str, bytes] = {
    "greeting": b"220 scripted.test ESMTP\r\n",
    "HELO": b"250 scripted.test\r\n",
    "STARTTLS": b"220 2.0.0 go ahead\r\n",
    "AUTH": b"235 2.7.0 welcome\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go ahead\r\n",
    "dot": b"250 2.0.0 taken\r\n",
    "RSET": b"250 2.0.0 ok\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
}


class Hangup(Exception):
    """Raised by a reaction to drop the line at once."""


@dataclass
class Session:
    """One connection, as a reaction sees it."""

    server: ScriptedSmtp
    line: socket.socket
    number: int
    argument: str = ""
    mail_from: str = ""
    rcpt_to: str = ""
    in_transaction: bool = False
    has_recipient: bool = False
    mails: int = 0  # bodies that arrived completely on this connection

    peek: Callable[[], bytes] = bytes  # what has arrived and was not read yet

    def say(self, octets: bytes) -> None:
        self.line.sendall(octets)


Reaction = bytes | Callable[[Session], bytes]


def hang_up(_: Session) -> bytes:
    """The reaction that drops the line."""
    raise Hangup


def keep_silent(session: Session) -> bytes:
    """The reaction that says nothing more until the other side leaves."""
    while session.line.recv(4096):
        pass
    raise Hangup


@dataclass
class Received:
    """A message whose final dot arrived, and what the server answered to it."""

    mail_from: str
    rcpt_to: str
    body: bytes
    answer: bytes = b""


@dataclass
class ScriptedSmtp:
    """Use as a context manager; `reactions` replaces single answers by step."""

    reactions: dict[str, Reaction] = field(default_factory=dict)
    offers: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SIZE 1000000")
    offers_after_tls: tuple[str, ...] | None = None
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    split: bool = False  # one octet for each write
    glue: bool = False  # hold answers back until nothing more is at hand to be read

    commands: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    complaints: list[bytes] = field(default_factory=list)  # commands out of order
    broken_off: int = 0  # bodies that began and did not end
    connections: int = 0
    errors: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        # A small window, so that a large mail cannot vanish into buffers before it is read.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._lines: list[socket.socket] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(5)
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        assert not self.errors, self.errors

    def settle(self) -> None:
        """Wait until every connection made so far has ended."""
        for thread in list(self._threads):
            thread.join(5)

    @property
    def bodies(self) -> list[bytes]:
        return [one.body for one in self.received]

    @property
    def accepted(self) -> list[str]:
        """The recipients whose final dot was answered with 2xx."""
        return [one.rcpt_to for one in self.received if one.answer.startswith(b"2")]

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.settimeout(10)
            self.connections += 1
            self._lines.append(line)
            thread = threading.Thread(target=self._serve, args=(line, self.connections))
            thread.start()
            self._threads.append(thread)

    def _serve(self, line: socket.socket, number: int) -> None:
        try:
            if self.implicit_tls:
                assert self.tls is not None
                line = self.tls.wrap_socket(line, server_side=True)
            _Conversation(self, Session(self, line, number)).hold()
        except (Hangup, OSError):
            pass
        except BaseException as error:  # noqa: BLE001  # shown when the server is closed
            self.errors.append(error)
        finally:
            line.close()


class _Conversation:
    def __init__(self, server: ScriptedSmtp, session: Session) -> None:
        self.server = server
        self.session = session
        self.file: BinaryIO = session.line.makefile("rb")
        session.peek = lambda: self.file.peek(1)  # type: ignore[attr-defined]
        self.held = b""
        self.encrypted = server.implicit_tls

    def hold(self) -> None:
        try:
            self.answer("greeting")
            while line := self.next_line():
                self.obey(line.decode("utf-8", "replace").rstrip("\r\n"))
        finally:
            self.file.close()
            self.session.line.close()

    def next_line(self) -> bytes:
        if self.held and b"\n" not in self.file.peek(1):  # type: ignore[attr-defined]
            self.let_go()
        return self.file.readline()

    def let_go(self) -> None:
        held, self.held = self.held, b""
        if not self.server.split:
            self.session.say(held)
            return
        for place in range(len(held)):
            self.session.say(held[place : place + 1])

    def answer(self, step: str) -> bytes:
        reaction = self.server.reactions.get(step) or DEFAULTS[step]
        octets = reaction if isinstance(reaction, bytes) else reaction(self.session)
        self.held += octets
        if not self.server.glue or step in ("greeting", "dot", "STARTTLS", "QUIT"):
            self.let_go()
        return octets

    def obey(self, line: str) -> None:
        server, session = self.server, self.session
        with server._lock:
            server.commands.append(line)
        verb, _, session.argument = line.partition(" ")
        mail = {"MAIL": self.begin, "RCPT": self.take_recipient}
        other = {"EHLO": self.greet, "DATA": self.open_body, "BDAT": self.take_chunk}
        if verb in mail:
            mail[verb](line)
        elif verb in other:
            other[verb]()
        elif verb == "STARTTLS":
            if self.answer("STARTTLS") == DEFAULTS["STARTTLS"]:
                self.encrypt()
        elif verb in DEFAULTS:
            self.answer(verb)
            if verb == "RSET":
                session.in_transaction = session.has_recipient = False
            if verb == "QUIT":
                raise Hangup
        else:
            session.say(b"500 5.5.1 what?\r\n")

    def begin(self, line: str) -> None:
        session = self.session
        if session.in_transaction:
            self.refuse(b"503 5.5.1 nested MAIL\r\n")
            return
        session.mail_from = line.partition("<")[2].partition(">")[0]
        session.in_transaction = self.answer("MAIL").startswith(b"2")
        session.has_recipient = False

    def take_recipient(self, line: str) -> None:
        session = self.session
        session.rcpt_to = line.partition("<")[2].partition(">")[0]
        if not session.in_transaction:
            self.refuse(b"503 5.5.1 need MAIL\r\n")
        else:
            session.has_recipient = self.answer("RCPT").startswith(b"2")

    def open_body(self) -> None:
        """Without a recipient DATA is refused, unless the script says otherwise."""
        if not self.session.has_recipient and "DATA" not in self.server.reactions:
            self.refuse(b"554 5.5.1 no valid recipients\r\n")
        elif self.answer("DATA").startswith(b"3"):
            self.let_go()
            self.take_body()

    def refuse(self, octets: bytes) -> None:
        self.server.complaints.append(octets)
        self.held += octets
        if not self.server.glue:
            self.let_go()

    def greet(self) -> None:
        if "EHLO" in self.server.reactions:
            self.answer("EHLO")
            return
        after = self.server.offers_after_tls
        offers = after if self.encrypted and after is not None else self.server.offers
        lines = ["scripted.test", *offers]
        marks = ["-"] * (len(lines) - 1) + [" "]
        self.held += "".join(
            f"250{m}{text}\r\n" for m, text in zip(marks, lines, strict=True)
        ).encode()
        self.let_go()

    def encrypt(self) -> None:
        assert self.server.tls is not None
        self.session.line = self.server.tls.wrap_socket(self.session.line, server_side=True)
        self.file = self.session.line.makefile("rb")
        self.encrypted = True

    def take_chunk(self) -> None:
        """A whole mail in one chunk, which is read even if it is then refused (RFC 3030 §2)."""
        length, _, last = self.session.argument.partition(" ")
        assert last == "LAST"
        chunk = self.file.read(int(length))
        if len(chunk) < int(length):
            self.server.broken_off += 1
            raise Hangup
        if self.session.has_recipient:
            self.take_mail(chunk)
        else:
            self.refuse(b"503 5.5.1 need RCPT\r\n")

    def take_body(self) -> None:
        lines: list[bytes] = []
        while (line := self.file.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                self.server.broken_off += 1
                raise Hangup
            lines.append(line[1:] if line.startswith(b".") else line)
        self.take_mail(b"".join(lines))

    def take_mail(self, body: bytes) -> None:
        session = self.session
        session.mails += 1
        one = Received(session.mail_from, session.rcpt_to, body)
        with self.server._lock:
            self.server.received.append(one)
        session.in_transaction = session.has_recipient = False
        one.answer = self.answer("dot")
