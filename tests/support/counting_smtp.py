"""An SMTP receiver in a process of its own that writes down every final dot before it answers.

What it does to a mail goes by the first letters of the recipient: see `_AT_RCPT` and `_AT_DOT`. Run as
`python -m tests.support.counting_smtp LOG HOST MILLISECONDS MAILS_PER_CONNECTION HOLD_AFTER NAME`; it
prints its port. After HOLD_AFTER mails (0: never) it answers none until it reads `release`; `hold` has it
keep back the answers from then on.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
READ = 256 * 1024
NEVER = sys.maxsize
QUIET_SECONDS = 1.5
END = b"\r\n.\r\n"
HELLO = b"250-counting.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
OK, GO_AHEAD, BYE = b"250 2.0.0 ok\r\n", b"354 go ahead\r\n", b"221 2.0.0 bye\r\n"
FULL = b"421 4.3.2 enough on this connection\r\n"
_AT_RCPT = {"refused": b"552 5.2.2 the mailbox is full\r\n"}
_AT_RCPT_ONCE = {"later": b"451 4.2.1 not now\r\n"}
_AT_DOT = {"unwanted": b"554 5.6.0 not this one\r\n", "vanish": b""}
_AT_DOT_ONCE = {"busy": b"421 4.3.2 closing\r\n"}
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Dot:
    """One mail that arrived whole: when (monotonic clock of the machine), what was answered, to whom."""

    at: float
    code: int  # 0 when the line was dropped instead
    recipient: str
    message_id: str


class CountingSmtp:
    """The receiver process, and what it wrote down; use as a context manager."""

    def __init__(
        self,
        directory: Path,
        *,
        host: str = "127.0.0.1",
        milliseconds: int = 0,
        mails_per_connection: int = 0,
        hold_after: int = 0,
        name: str = "receiver",
    ) -> None:
        """After `hold_after` mails (0: never) it keeps its answers back until `release`.

        Its answer to a final dot tells its `name`.
        """
        self.host = host
        self._log = directory / "dots.log"
        numbers = (milliseconds, mails_per_connection, hold_after)
        self._words = [str(self._log), host, *map(str, numbers), name]
        self._dots: list[Dot] = []
        self._offset = 0

    def __enter__(self) -> Self:
        self._log.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.counting_smtp", *self._words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()

    def release(self) -> None:
        """Give the answers that were kept back, and keep none back from now on."""
        self._tell("release")

    def hold(self) -> None:
        """Keep the answers to all mails back that come from now on."""
        self._tell("hold")

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == f"{word}\n"

    @property
    def dots(self) -> list[Dot]:
        """Every final dot so far, in order."""
        with self._log.open("rb") as file:
            file.seek(self._offset)
            fresh = file.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.decode().splitlines():
            at, code, recipient, message_id = line.split("\t")
            self._dots.append(Dot(float(at), int(code), recipient, message_id))
        return self._dots

    @property
    def count(self) -> int:
        return len(self.dots)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has arrived for a second and a half."""
        return time.monotonic() - self.dots[-1].at > QUIET_SECONDS

    @property
    def arrived(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(dot.recipient for dot in self.dots)


class _Line:
    """One connection."""

    def __init__(self, receiver: _Receiver, wire: socket.socket) -> None:
        self.wire = wire
        self.answers: list[bytes] = []
        self.is_over = False
        self._receiver = receiver
        self._has_ended = False
        self._buffer = b""
        self._in_body = False
        self._mails = 0
        self._recipient = ""

    def linger(self) -> bool:
        """Say no more, but take what still comes: closing at once would take the last answers back.

        Whether the other side has left too.
        """
        try:
            if not self._has_ended:
                self._has_ended = True
                self.wire.shutdown(socket.SHUT_WR)
                return False
            return not self.wire.recv(READ)
        except OSError:
            return True

    def read(self) -> bool:
        """Take what came; whether a mail was in it. Then `answers` is to be sent."""
        octets = self.wire.recv(READ)
        self.is_over = not octets
        self._buffer += octets
        has_mail = False
        while not self.is_over:
            if self._in_body:
                end = self._buffer.find(END)
                if end < 0:
                    break
                body, self._buffer = self._buffer[:end], self._buffer[end + len(END) :]
                self._in_body, has_mail = False, True
                self._take(body)
                continue
            line, is_whole, rest = self._buffer.partition(b"\r\n")
            if not is_whole:
                break
            self._obey(line)
            # The line end before a body counts as its own, so that an empty body ends too.
            self._buffer = b"\r\n" + rest if self._in_body else rest
        return has_mail

    def _take(self, body: bytes) -> None:
        answer = self._receiver.answer_to(self._recipient, _AT_DOT, _AT_DOT_ONCE)
        found = _MESSAGE_ID.search(body)
        self._receiver.write_down(
            int(answer[:3] or 0), self._recipient, found[1].decode() if found else ""
        )
        self._mails += 1
        self._say(self._receiver.taken if answer == OK else answer)
        if answer == b"" or answer.startswith(b"421"):
            self.is_over = True

    def _obey(self, line: bytes) -> None:
        word = line[:4].upper()
        most = self._receiver.mails_per_connection
        if word == b"MAIL":
            if most and self._mails >= most:
                self._say(FULL)
                self.is_over = True
                return
            self._recipient = ""
            self._say(OK)
        elif word == b"RCPT":
            recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            answer = self._receiver.answer_to(recipient, _AT_RCPT, _AT_RCPT_ONCE)
            self._recipient = recipient if answer == OK else ""
            self._say(answer)
        elif word == b"DATA":
            self._in_body = bool(self._recipient)
            self._say(GO_AHEAD if self._in_body else b"554 5.5.1 no valid recipients\r\n")
        else:
            self._say({b"EHLO": HELLO, b"QUIT": BYE}.get(word, OK))
            self.is_over = word == b"QUIT"

    def _say(self, octets: bytes) -> None:
        self.answers.append(octets)


class _Receiver:
    def __init__(self, log: str, host: str, numbers: list[int], name: str) -> None:
        milliseconds, self.mails_per_connection, hold_after = numbers
        self._hold_after = hold_after or NEVER
        self.taken = f"250 2.0.0 taken by {name}\r\n".encode()
        self._delay = milliseconds / 1000
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND)
        self._count = 0
        self._kept_back: list[_Line] = []
        self._once: set[str] = set()
        self._held: list[tuple[float, _Line]] = []
        self._listener = socket.create_server((host, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def answer_to(self, recipient: str, always: dict[str, bytes], once: dict[str, bytes]) -> bytes:
        kind = re.split(r"[\d@]", recipient, maxsplit=1)[0]
        if kind in once and recipient not in self._once:
            self._once.add(recipient)
            return once[kind]
        return always.get(kind, OK)

    def write_down(self, code: int, recipient: str, message_id: str) -> None:
        line = f"{time.monotonic():.6f}\t{code}\t{recipient}\t{message_id}\n"
        os.write(self._log, line.encode())
        self._count += 1

    def serve(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ, "told")
        while True:
            for key, _ in selector.select(self._answer_what_is_due(selector)):
                line = key.data
                if line == "told":
                    self._obey(selector, sys.stdin.readline())
                    continue
                if line is None:
                    wire, _ = self._listener.accept()
                    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    wire.send(b"220 counting.test ESMTP\r\n")
                    selector.register(wire, selectors.EVENT_READ, _Line(self, wire))
                    continue
                if line.is_over:
                    self._linger(selector, line)
                    continue
                try:
                    has_mail = line.read()
                except OSError:
                    line.is_over, has_mail = True, False
                if has_mail and self._count > self._hold_after:
                    selector.unregister(line.wire)
                    self._kept_back.append(line)
                    continue
                if has_mail and self._delay:
                    selector.unregister(line.wire)  # until it is answered
                    self._held.append((time.monotonic() + self._delay, line))
                    continue
                self._answer(line)
                if line.is_over:
                    self._linger(selector, line)

    def _linger(self, selector: selectors.BaseSelector, line: _Line) -> None:
        if line.linger():
            selector.unregister(line.wire)
            line.wire.close()

    def _answer_what_is_due(self, selector: selectors.BaseSelector) -> float | None:
        """Seconds until the next answer is due; None when nothing waits."""
        while self._held:
            due, line = self._held[0]
            wait = due - time.monotonic()
            if wait > 0:
                return wait
            self._held.pop(0)
            self._go_on(selector, line)
        return None

    def _obey(self, selector: selectors.BaseSelector, told: str) -> None:
        if not told:  # who started this one is gone
            selector.unregister(sys.stdin)
            return
        self._hold_after = self._count if told == "hold\n" else NEVER
        if self._hold_after == NEVER:
            kept_back, self._kept_back = self._kept_back, []
            for line in kept_back:
                self._go_on(selector, line)
        sys.stdout.write(told)
        sys.stdout.flush()

    def _go_on(self, selector: selectors.BaseSelector, line: _Line) -> None:
        self._answer(line)
        selector.register(line.wire, selectors.EVENT_READ, line)
        if line.is_over:
            self._linger(selector, line)

    def _answer(self, line: _Line) -> None:
        octets, line.answers = b"".join(line.answers), []
        try:
            line.wire.sendall(octets)
        except OSError:
            line.is_over = True


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    the_log, the_host, *the_numbers, the_name = sys.argv[1:]
    the_receiver = _Receiver(the_log, the_host, list(map(int, the_numbers)), the_name)
    sys.stdout.write(f"{the_receiver.port}\n")
    sys.stdout.flush()
    the_receiver.serve()
