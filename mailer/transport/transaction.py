"""Mails under way on a connection, and the outcomes of those that are settled."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from mailer.transport.letters import Letter
from mailer.transport.outcomes import Outcome, OutcomeKind, Stage
from mailer.transport.replies import Reply

Step = Literal["opening", "rset", "mail", "rcpt", "data", "body", "quit"]


class Transaction:
    """A mail from its MAIL command to the last reply that belongs to it."""

    __slots__ = ("letter", "settled", "stage")

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.stage: Stage = "mail"
        self.settled = False


class Settled:
    """Collects the outcomes of one connection until they are handed back."""

    def __init__(self, relay_name: str) -> None:
        self.tls = False
        self.now: datetime  # aware UTC; stamps what is settled next
        self.relay_name = relay_name
        self._outcomes: list[Outcome] = []

    def settle(
        self,
        transaction: Transaction,
        kind: OutcomeKind,
        stage: Stage,
        reply: Reply | None,
        text: str = "",
    ) -> None:
        """Say what became of a mail: once for each."""
        transaction.settled = True
        self._outcomes.append(
            Outcome(
                key=transaction.letter.envelope.key,
                kind=kind,
                code=reply.code if reply else None,
                enhanced=reply.enhanced if reply else None,
                text=reply.text if reply else text,
                relay=self.relay_name,
                at=self.now,
                stage=stage,
                tls=self.tls,
            )
        )

    def hand_back(self) -> list[Outcome]:
        """What was settled since the last call."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes
