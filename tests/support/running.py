"""The whole service, started as a newcomer would, on ports and data of its own."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from flask import Flask

from mailer.app import create_app
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0


@dataclass
class RunningMailer:
    """A running service and the addresses it printed."""

    process: subprocess.Popen[str]
    data: Path
    log: Path
    web: str
    admin: str
    demo: str
    inbox: str
    address: str
    password: str
    environ: dict[str, str] = field(repr=False)

    def mails(self, to: str) -> list[EmailMessage]:
        """The mails caught for `to`, oldest first."""
        query = urllib.parse.urlencode({"to": to})
        listed = json.loads(_get(f"{self.inbox}/messages.json?{query}"))["messages"]
        raw = [_get(f"{self.inbox}/messages/{entry['id']}/raw") for entry in reversed(listed)]
        return [email.message_from_bytes(each, policy=email.policy.default) for each in raw]

    def await_mails(self, to: str, count: int = 1, *, timeout: float = 20.0) -> list[EmailMessage]:
        """Wait until at least `count` mails for `to` have come."""

        def enough() -> list[EmailMessage]:
            found = self.mails(to)
            return found if len(found) >= count else []

        return wait_for(enough, timeout=timeout)

    def pids(self, *words: str) -> list[int]:
        """The living processes of this service whose command line holds all `words`."""
        return [
            int(directory.name)
            for directory in Path("/proc").glob("[0-9]*")
            if _belongs(directory, self.data, words)
        ]


def text_of(mail: EmailMessage) -> str:
    """The text part of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def links_of(mail: EmailMessage, kind: str) -> str:
    """The first link to a page of `kind` ("c" confirm, "n" not me, "u" unsubscribe, "p" preferences)."""
    found = re.search(rf"https?://[^\s<>\"]+/{kind}/[\w.~-]+", text_of(mail))
    assert found is not None, text_of(mail)
    return found.group(0)


@contextmanager
def run_mailer(directory: Path, **environ: str) -> Iterator[RunningMailer]:
    """Start `python -m mailer run` with its data in `directory`; stop it with Ctrl-C's signal."""
    ports = dict(zip(("WEB", "DEMO", "INBOX", "SMTP"), _free_ports(4), strict=True))
    given = {f"MAILER_{name}_PORT": str(port) for name, port in ports.items()}
    full = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAILER_")},
        "MAILER_ENVIRONMENT": "development",
        "MAILER_FORM_TOKEN_MIN_SECONDS": "0",
        **given,
        **environ,
    }
    log = directory.parent / f"{directory.name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mailer", "run", "--data", str(directory)],
            cwd=ROOT,
            env=full,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield _read_addresses(process, directory, log, full)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _read_addresses(
    process: subprocess.Popen[str], data: Path, log: Path, environ: dict[str, str]
) -> RunningMailer:
    def printed() -> str:
        text = log.read_text(errors="replace")
        assert process.poll() is None, text
        return text if "Ctrl-C stops everything" in text else ""

    text = wait_for(printed, timeout=START_SECONDS)
    demo, inbox, admin, notice = (
        _found(rf"{name}\s+(http\S+)", text)
        for name in ("Demo website", "Inbox", "Marketers' side", "Privacy notice")
    )
    sign_in = re.search(r"^\s+(\S+@\S+)\s+·\s+(\S+)$", text, re.MULTILINE)
    assert sign_in is not None, text
    return RunningMailer(
        process=process,
        data=data,
        log=log,
        web=notice.partition("/notice")[0],
        admin=admin.rstrip("/"),
        demo=demo.rstrip("/"),
        inbox=inbox.rstrip("/"),
        address=sign_in.group(1),
        password=sign_in.group(2),
        environ=environ,
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match.group(1)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body = answer.read()
        assert isinstance(body, bytes)
        return body


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _belongs(directory: Path, data: Path, words: tuple[str, ...]) -> bool:
    try:
        command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        environ = (directory / "environ").read_bytes()
    except OSError:
        return False
    mine = f"MAILER_DATA_DIRECTORY={data}".encode() in environ or str(data) in command
    return mine and all(word in command for word in words)


@contextmanager
def inside(service: RunningMailer) -> Iterator[Flask]:
    """An application on the database of a running service, for preparing and counting."""
    environ = {name: value for name, value in service.environ.items() if name.startswith("MAILER_")}
    environ["MAILER_DATA_DIRECTORY"] = str(service.data)
    for secret in ("secret_keys", "encryption_keys", "address_pepper"):
        environ[f"MAILER_{secret.upper()}_FILE"] = str(service.data / "secrets" / secret)
    app = create_app(Settings.from_environment(environ))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
