"""The one way in which outcomes leave: noted in the journal first, then told to the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mailer.foundation import clock
from mailer.transport.failures import JournalFailed
from mailer.transport.journal import Journal
from mailer.transport.letters import Refusal
from mailer.transport.outcomes import Outcome, OutcomeKind, Stage

_UNSENT: Final = OutcomeKind.UNSENT


class Reporter:
    """Keeps the journal in step with the wire. `error` is the journal's first failure."""

    def __init__(
        self, journal: Journal, on_outcome: Callable[[Outcome], None], relay_name: str
    ) -> None:
        self.error: JournalFailed | None = None
        self._journal = journal
        self._on_outcome = on_outcome
        self._relay_name = relay_name

    def note_sent(self, key: str) -> bool:
        """Note that the final dot of `key` comes next; False if it must not be written."""
        try:
            self._journal.sent(key)
        except JournalFailed as error:
            self.error = self.error or error
            return False
        return True

    def report(self, outcomes: list[Outcome]) -> None:
        """Note and tell each outcome; one that cannot be noted is told nevertheless."""
        for outcome in outcomes:
            self.report_one(outcome)

    def report_one(self, outcome: Outcome) -> None:
        """The same for one; what never came near the wire is not noted."""
        key = outcome.key
        if outcome.kind is not _UNSENT or self._journal.is_at_risk(key):
            try:
                self._journal.answered(key, outcome)
            except JournalFailed as error:
                self.error = self.error or error
        self._on_outcome(outcome)

    def hand_back(self, key: str, stage: Stage, text: str) -> None:
        """Report a mail as UNSENT that never came near a connection."""
        self._report_ours(key, OutcomeKind.UNSENT, stage, Refusal(None, None, text), tls=False)

    def refuse(self, key: str, refusal: Refusal, *, tls: bool) -> None:
        """Report a mail as REFUSED that cannot be put on the wire."""
        self._report_ours(key, OutcomeKind.REFUSED, "local", refusal, tls=tls)

    def _report_ours(
        self, key: str, kind: OutcomeKind, stage: Stage, refusal: Refusal, *, tls: bool
    ) -> None:
        code, enhanced, text = refusal
        outcome = Outcome(
            key=key,
            kind=kind,
            code=code,
            enhanced=enhanced,
            text=text,
            relay=self._relay_name,
            at=clock.now(),
            stage=stage,
            tls=tls,
        )
        self.report([outcome])
