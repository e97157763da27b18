"""The log keeper's process: waiting leaves get their positions, trees get signed. It knows no Redis.

Each second: is anything waiting, is anything unsigned. What it refuses, it refuses until the database and
the files belong together again, and the service goes on meanwhile: leaves wait in the queue.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import OperationalError

from mailer import transparency
from mailer.foundation.context import settings
from mailer.foundation.database import db, make_durable, unit_of_work
from mailer.foundation.errors import MailerError, Unavailable
from mailer.jobs.anchoring import AnchorKeeper
from mailer.transparency import AlarmKind, Signed, Signer, SigningRefused

log = logging.getLogger(__name__)

TURN_SECONDS = 1.0
BATCH = 250  # at a time, for SQLite lets nobody sign up meanwhile
BATCHES_A_TURN = 200


class LogKeeper:
    """The one sequencer and signer of a log; `on_step` is told which write has just been done."""

    def __init__(
        self,
        path: Path,
        origin: str,
        *,
        seconds: float,
        on_step: Callable[[str], None] = lambda _step: None,
    ) -> None:
        """Take the directory at `path`; sign at most `seconds` after new leaves. Raises NotAllowed."""
        self.signer = Signer(path, origin, on_step)
        self.seconds = seconds
        self._on_step = on_step
        self._signed_at = float("-inf")
        self._is_waiting = False

    def turn(self, *, signs_now: bool = False) -> Signed | None:
        """Do what is due; returns what was signed, if anything. Never raises for what it refuses."""
        try:
            signed = self._work(signs_now)
        except SigningRefused as error:
            self._complain(AlarmKind.REFUSED, str(error))
        except (Unavailable, OperationalError):
            if not self._is_waiting:
                log.warning("the log keeper waits for the database")
            self._is_waiting = True
        except (MailerError, OSError) as error:
            self._complain(AlarmKind.FAILING, str(error))
        else:
            self._is_waiting = False
            self._calm_down()
            return signed
        finally:
            db.session.rollback()  # ends the reading, whose snapshot would grow stale
        return None

    def close(self) -> None:
        """Let another keeper in."""
        self.signer.close()

    def _work(self, signs_now: bool) -> Signed | None:
        db.session.rollback()
        self.signer.begin()
        before, _ = self.signer.check()
        _publish(before)
        self._register_keys()
        self._sequence()
        db.session.rollback()
        is_due = signs_now or time.monotonic() - self._signed_at >= self.seconds
        if not is_due or not self.signer.is_behind(before):
            return None
        signed = self.signer.sign()
        if signed is not None:
            _publish(signed)
            self._on_step("published")
            self._signed_at = time.monotonic()
            log.info("signed a checkpoint", extra={"size": signed.size})
        return signed

    def _register_keys(self) -> None:
        keys = self.signer.list_keys()
        if not transparency.are_registered(keys):
            with unit_of_work():
                transparency.register_keys(keys)

    def _sequence(self) -> None:
        for _ in range(BATCHES_A_TURN):
            if not transparency.has_waiting():
                return
            with unit_of_work():
                count = transparency.sequence(BATCH)
            self._on_step("sequenced")
            if count < BATCH:
                return

    def _complain(self, kind: AlarmKind, message: str) -> None:
        db.session.rollback()
        try:
            with unit_of_work():
                is_news = transparency.raise_alarm(kind, message)
        except Unavailable:
            is_news = True
        if is_news:
            log.error("the log keeper stands still", extra={"why": message})

    def _calm_down(self) -> None:
        if transparency.has_alarms():
            with unit_of_work():
                transparency.end_alarms()
            log.info("the log keeper works again")


def keep_log(is_ending: Callable[[], bool]) -> None:
    """Keep the log of this application until `is_ending`. Raises NotAllowed when another keeper does."""
    make_durable()
    chosen = settings()
    keeper = LogKeeper(chosen.log_directory, chosen.log_origin, seconds=chosen.log_seconds)
    anchors = AnchorKeeper()
    log.info("the log keeper is at work", extra={"origin": chosen.log_origin})
    while not is_ending():
        began = time.monotonic()
        try:
            keeper.turn()
            anchors.turn()
        except Exception:
            log.exception("a turn of the log keeper failed")
        _sleep(TURN_SECONDS - (time.monotonic() - began), is_ending)
    anchors.close()
    keeper.close()


def _publish(signed: Signed) -> None:
    """Put a note into the database, unless it is there or nothing was signed yet."""
    newest = transparency.find_latest_checkpoint()
    if signed.note and (newest is None or newest.note != signed.note):
        with unit_of_work():
            transparency.store_checkpoint(signed)


def _sleep(seconds: float, is_ending: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not is_ending() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
