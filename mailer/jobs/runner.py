"""The frame of every job, and what belongs to one worker process: its name, its journal, its end."""

from __future__ import annotations

import functools
import logging
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, cast

from flask import Flask, current_app
from rq import get_current_job

from mailer.delivery import Alarm, Pacer
from mailer.foundation import context
from mailer.foundation.database import db
from mailer.foundation.errors import Unavailable
from mailer.transport import (
    Carrier,
    Journal,
    JournalFailed,
    Relay,
    Security,
    SmtpCarrier,
    Timeouts,
    TokenFile,
)

log = logging.getLogger(__name__)

FIRST_REST_SECONDS = 5.0
LONGEST_REST_SECONDS = 300.0
_KEY = "mailer.shift"
Parameters = ParamSpec("Parameters")


class Rest:
    """How long to leave the relay alone after it could not be used; longer each time."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def begin(self) -> float:
        """Rest, and say for how many seconds."""
        seconds = min(FIRST_REST_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_REST_SECONDS)
        self._failures += 1
        self._until = time.monotonic() + seconds
        return seconds

    def end(self) -> None:
        """The relay can be used again."""
        self._failures, self._until = 0, 0.0


class Shift:
    """One worker process from its start to its end.

    `owner` names it in claimed rows; its journal, held open for life, tells others that it lives.
    """

    def __init__(self, app: Flask, queue: str, *, sends: bool = True) -> None:
        self.app = app
        self.queue = queue
        self.is_ending = False  # finish what is on the wire, settle, and go
        self.failure: str | None = None  # why the process must go at once
        self.rest = Rest()
        self.alarms: dict[int, Alarm] = {}
        self._journal: Journal | None = None
        if sends:
            self.owner, self._journal = _open_journal(queue)
        else:
            self.owner = _new_owner(queue)
        self.pacer = Pacer(self.owner)
        app.extensions[_KEY] = self

    @property
    def journal(self) -> Journal:
        """The journal of a process that sends."""
        if self._journal is None:
            raise RuntimeError(f"a worker of {self.queue} does not send")
        return self._journal

    @property
    def is_over(self) -> bool:
        return self.is_ending or self.failure is not None

    def give_up(self, because: str) -> None:
        """Have this process end; its journal stays, and recovery settles what it holds."""
        self.failure = because
        log.error("this worker ends and leaves its journal to recovery", extra={"why": because})

    def close(self) -> None:
        """End a shift in which everything is settled."""
        if self._journal is not None and self.failure is None:
            self._journal.close()


def current() -> Shift:
    """The shift of this process."""
    return cast("Shift", current_app.extensions[_KEY])


def journal_directory() -> Path:
    """Where the journals of all workers on this machine lie."""
    directory = context.settings().data_directory / "journal"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def carrier(connections: int) -> Carrier:
    """What takes our mail to where it is handed over: the relay as configured."""
    configured = context.settings()
    token_file = configured.smtp_oauth_token_file
    relay = Relay(
        host=configured.smtp_host,
        port=configured.smtp_port,
        security=cast("Security", configured.smtp_security),
        username=configured.smtp_username or None,
        password=configured.smtp_password or None,
        helo_name=configured.smtp_helo_name,
        timeouts=Timeouts(dot=float(configured.smtp_timeout_seconds)),
        chunking=configured.smtp_chunking == "offered",
        mails_per_connection=configured.smtp_mails_per_connection,
        token=TokenFile(token_file) if token_file else None,
    )
    return SmtpCarrier(relay, connections)


def job(
    function: Callable[Parameters, Mapping[str, object] | None],
) -> Callable[Parameters, None]:
    """Frame a job: a database that is down is no failure of the job, and what it did is logged.

    `function` returns figures for the log line, or None when there was nothing to do.
    """

    @functools.wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        began = time.monotonic()
        running = get_current_job()
        about = {"job": function.__qualname__, "job_id": running.id if running else "-"}
        try:
            figures = function(*args, **kwargs)
        except Unavailable as error:
            log.warning("the job waits for a part that is down", extra={**about, "why": str(error)})
            return
        finally:
            db.session.remove()
        seconds = round(time.monotonic() - began, 3)
        level = logging.INFO if figures else logging.DEBUG
        log.log(level, "job done", extra={**about, "seconds": seconds, **(figures or {})})

    return run


def _new_owner(queue: str) -> str:
    host = re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())[:30]
    return f"{queue}-{host}-{os.getpid()}-{secrets.token_hex(6)}"


def _open_journal(queue: str) -> tuple[str, Journal]:
    """A journal under a new name; another one when recovery takes the fresh file for a dead owner's."""
    directory = journal_directory()
    for _ in range(5):
        owner = _new_owner(queue)
        try:
            return owner, Journal.open(directory, owner)
        except JournalFailed as error:
            failure = error
    raise failure
