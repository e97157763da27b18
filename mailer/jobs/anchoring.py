"""The log keeper's second step: witnesses and the time-stamp authority are asked about what was signed.

A turn never waits for anybody: questions are under way on threads of their own, and what they brought is
written down at the turn after it came.
"""

from __future__ import annotations

import logging

from mailer import transparency
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import MailerError, Unavailable

log = logging.getLogger(__name__)


class AnchorKeeper:
    """Asks whom the settings name; one of them at the log keeper's side is enough."""

    def __init__(self) -> None:
        self._asking = transparency.Asking()
        self._answers: list[transparency.Answer] = []

    def turn(self) -> int:
        """Write down what came, ask what is due; returns how many answers were written down. Never raises
        for what goes wrong: it is tried again at the next turn.
        """
        self._answers += self._asking.take_answers()
        try:
            count = self._record()
            self._asking.start(transparency.list_due_questions(self._asking.list_busy()))
        except Unavailable as error:
            log.warning("anchoring waits for the database", extra={"why": str(error)})
        except MailerError as error:
            log.error("anchoring stands still", extra={"why": str(error)})  # noqa: TRY400  # the sentence is for operators; where it was raised helps nobody
        else:
            return count
        finally:
            db.session.remove()
        return 0

    def close(self) -> None:
        """Ask nothing more."""
        self._asking.close()

    def _record(self) -> int:
        if not self._answers:
            return 0
        with unit_of_work():
            for answer in self._answers:
                transparency.record_answer(answer)
        count = len(self._answers)
        self._answers.clear()
        return count
