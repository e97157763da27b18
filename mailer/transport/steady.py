"""The dialogue with a short way for what nearly always comes: all went well, on to the next mail.

With PIPELINING a busy connection is always in the same state: a body is out with MAIL, RCPT and DATA
of the next mail behind it, and one read brings the four good replies. `hear_flight`, `turn` and
`ask_for_body` say about exactly that read what `receive` and `send_body` would have said, at a
fraction of the cost. Between two turns only the letters change, so that the long way can go on from
here at any moment; whatever is not the usual takes it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from mailer.transport.dialogue import Dialogue
from mailer.transport.letters import Letter
from mailer.transport.outbox import DOT
from mailer.transport.outcomes import Outcome, OutcomeKind
from mailer.transport.phases import Cause
from mailer.transport.relay import Relay
from mailer.transport.replies import Reply
from mailer.transport.transaction import Transaction

_HEAD: Final = re.compile(rb"250 [ -~]{0,990}")
_TAIL: Final = re.compile(rb"250 [ -~]*\r\n250 [ -~]*\r\n354 [ -~]*\r\n")
_CHUNK_TAIL: Final = re.compile(rb"250 [ -~]*\r\n250 [ -~]*\r\n")
_ACCEPTED: Final = OutcomeKind.ACCEPTED  # looking it up in the enum costs more than the rest
_NEVER: Final = b"\r\n"  # a head has no line end, and no tail is an empty line
_DATA_FLIGHT: Final = ["body", "mail", "rcpt", "data"]
_CHUNK_FLIGHT: Final = ["body", "mail", "rcpt"]


class SteadyDialogue(Dialogue):
    """A dialogue that knows when it `is_steady`; only then the three verbs of this class may be used."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay)
        self.is_steady = False
        self._relay_name = relay.name
        self._head, self._tail = _NEVER, _NEVER  # replies that were found to be the usual ones
        self._text = ""
        self._enhanced: str | None = None
        self._answering: Transaction
        self._invited: Transaction

    def look_whether_steady(self) -> None:
        """Note whether the only thing to wait for is the usual flight of replies."""
        expected = self._expected
        if len(expected) < 3 or expected[0][0] != "body" or self._stopping or self._needs_reset:
            return
        (_, answering), (_, invited), *_ = expected
        if answering is None or invited is None or self._parser.has_rest:
            return
        flight = _CHUNK_FLIGHT if invited.letter.is_chunk else _DATA_FLIGHT
        if self._outbox.is_empty and [step for step, _ in expected] == flight:
            self._answering, self._invited = answering, invited
            self.is_steady = True

    def hear_flight(self, octets: bytes, now: datetime) -> Outcome | None:
        """The outcome of the mail on the wire if `octets` are the usual replies; else nothing is done."""
        head, _, tail = octets.partition(b"\r\n")
        if (tail != self._tail or head != self._head) and not self._learn(head, tail):
            return None
        self.answers += 1
        return Outcome(
            self._answering.letter.envelope.key,
            _ACCEPTED,
            250,
            self._enhanced,
            self._text,
            self._relay_name,
            now,
            "body",
            self._settled.tls,
        )

    @property
    def invited_key(self) -> str:
        """The key of the mail whose body may follow now."""
        return self._invited.letter.envelope.key

    def turn(self, following: Letter) -> bytes:
        """After `hear_flight`: the body of the invited mail and the invitation of `following`."""
        answering, invited = self._answering, self._invited
        letter = answering.letter = invited.letter
        invited.letter = following
        self.begun += 1
        if letter.is_chunk:
            return b"".join((letter.content, following.mail, following.rcpt))
        return b"".join((letter.content, DOT, following.mail, following.rcpt, b"DATA\r\n"))

    def keep_rest(self, octets: bytes, written: int) -> None:
        """Of what `turn` returned only `written` octets have left; `outgoing` holds the rest."""
        self.is_steady = False
        letter = self._answering.letter
        self._outbox.put_flight(
            octets, len(letter.content), is_chunk=letter.is_chunk, written=written
        )

    def ask_for_body(self) -> None:
        """After `hear_flight`: go on the long way, in phase BODY."""
        self.is_steady = False
        self._expected.clear()
        self._open.remove(self._answering)
        self._body = None
        self._ask_for_body(self._invited)

    def receive(self, octets: bytes, now: datetime) -> list[Outcome]:
        """As in every dialogue; the short way is over for now."""
        self.is_steady = False
        return super().receive(octets, now)

    def stop(self, text: str, now: datetime) -> list[Outcome]:
        """As in every dialogue; the short way is over."""
        self.is_steady = False
        return super().stop(text, now)

    def lose(self, reason: str, now: datetime, cause: Cause = "lost") -> list[Outcome]:
        """As in every dialogue; the short way is over."""
        self.is_steady = False
        return super().lose(reason, now, cause)

    def _learn(self, head: bytes, tail: bytes) -> bool:
        """Whether these are the usual replies; what they say is kept, as most relays repeat it."""
        usual = _CHUNK_TAIL if self._invited.letter.is_chunk else _TAIL
        if tail != self._tail and usual.fullmatch(tail) is None:
            return False
        if head != self._head:
            if _HEAD.fullmatch(head) is None:
                return False
            reply = Reply(250, (head[4:],))
            self._head, self._text, self._enhanced = head, reply.text, reply.enhanced
        self._tail = tail
        return True
