"""One SMTP connection as a state machine without a socket: octets in, octets and outcomes out.

The caller feeds `receive`, sends what `outgoing` holds and reports it with `wrote`, and acts on
`phase`: READY asks for `begin` or `quit`, BODY for `send_body` or `withhold`, TLS for a handshake
followed by `secured`, OVER for closing. With PIPELINING (RFC 2920) the body and final dot of one
mail leave together with MAIL, RCPT and DATA of the next; otherwise every command waits for its
reply. A mail is at risk from the first octet of its final dot until its reply.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final

from mailer.transport.features import NOTHING, Features
from mailer.transport.letters import Letter, LetterWriter
from mailer.transport.opening import Failed, Opening
from mailer.transport.outbox import Outbox
from mailer.transport.outcomes import LOGIN_WANTED, Onward, Outcome, OutcomeKind, Stage, judge
from mailer.transport.phases import Awaited, Cause, Fault, Phase
from mailer.transport.relay import Relay
from mailer.transport.replies import Garbled, Reply, ReplyParser
from mailer.transport.transaction import Settled, Step, Transaction

_CLOSING: Final = 421
_OUT_OF_SEQUENCE: Final = 503


class Dialogue:
    """The state of one connection; `now` is always aware UTC and stamps the outcomes."""

    def __init__(self, relay: Relay) -> None:
        self.phase = Phase.TLS if relay.security == "tls" else Phase.TALKING
        self.fault: Fault | None = None
        self.answers = 0  # mails this connection got an answer for
        self.begun = 0  # mails announced on this connection
        self._opening: Opening | None = Opening(relay)
        self._features = NOTHING
        self.writer = LetterWriter(NOTHING)  # of the letters this connection can carry
        self._parser = ReplyParser()
        self._expected: deque[tuple[Step, Transaction | None]] = deque([("opening", None)])
        self._open: list[Transaction] = []
        self._due: Transaction | None = None  # the one whose body is asked for
        self._body: Transaction | None = None  # the one whose body is on its way or unanswered
        self._outbox = Outbox()
        self._needs_reset = False
        self._chunk_failed = False  # a BDAT was refused, and nothing began since
        self._stopping = False
        self._settled = Settled(relay.name)

    # What the caller asks

    @property
    def features(self) -> Features:
        """What the relay offers on this connection, as last said."""
        return self._features

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self._settled.tls

    @property
    def is_open(self) -> bool:
        """Whether the opening (EHLO, TLS, AUTH) is done."""
        return self._opening is None

    @property
    def is_signing_in(self) -> bool:
        """Whether the relay has been asked to take our credentials, and has not yet."""
        return self._opening is not None and self._opening.is_signing_in

    @property
    def awaited(self) -> Awaited | None:
        """What the connection waits for, to choose the patience; None when nothing is due."""
        if self.phase is Phase.TLS:
            return "tls"
        if not self._outbox.is_empty:
            return "block"
        if not self._expected:
            return None
        step = self._expected[0][0]
        if step == "opening":
            return "greeting" if self._opening and self._opening.waits_for_greeting else "command"
        if step == "rset":
            return "command"
        return "dot" if step == "body" else step

    @property
    def has_unwritten(self) -> bool:
        """Whether `outgoing` holds anything."""
        return not self._outbox.is_empty

    @property
    def key_due(self) -> str:
        """The key of the mail whose body is asked for; "" when none is."""
        return self._due.letter.envelope.key if self._due is not None else ""

    def outgoing(self, most: int) -> bytes | memoryview:
        """The next octets to send, at most `most`; empty when there are none."""
        return self._outbox.next(most)

    def key_at_stake(self, octets: int) -> str | None:
        """The key of the mail whose final dot is within the next `octets` to send, if any."""
        body = self._body
        if body is None or not self._outbox.holds_dot_within(octets):
            return None
        return body.letter.envelope.key

    def wrote(self, octets: int) -> None:
        """Say that `octets` of `outgoing` may have left this machine."""
        self._outbox.wrote(octets)

    # What the caller tells

    def receive(self, octets: bytes, now: datetime) -> list[Outcome]:
        """Take what arrived, and return the outcomes it settles; an empty read is a lost line."""
        self._settled.now = now
        try:
            for reply in self._parser.feed(octets):
                self._take(reply)
                if self.phase is Phase.OVER:
                    break
            if self.phase is Phase.TLS and self._parser.has_rest:
                self._end("relay", "sent more in the clear after its answer to STARTTLS")
        except Garbled as garbled:
            self._end("relay", str(garbled))
        return self._settled.hand_back()

    def secured(self) -> None:
        """Say that the TLS handshake is done and the certificate verified."""
        self._settled.tls = True
        self.phase = Phase.TALKING
        if self._opening is not None:
            self._outbox.put(self._opening.secured())

    def begin(self, letter: Letter) -> None:
        """Start the transaction of `letter`; only in phase READY."""
        transaction = Transaction(letter)
        self.phase = Phase.TALKING
        if not self._needs_reset:
            self._outbox.put(self._invite(transaction))
        elif self._features.pipelining:
            self._expected.append(("rset", None))
            self._outbox.put(b"RSET\r\n" + self._invite(transaction))
        else:
            self._open.append(transaction)
            self._expected.append(("rset", transaction))
            self._outbox.put(b"RSET\r\n")
        self._needs_reset = False

    def send_body(self, following: Letter | None) -> None:
        """Send the body that is asked for and, only with PIPELINING, invite the next mail."""
        transaction = self._due
        if transaction is None:
            raise RuntimeError("no body is asked for")
        letter = transaction.letter
        self._due, self._body = None, transaction
        self.phase = Phase.TALKING
        self._expected.append(("body", transaction))
        invitation = self._invite(Transaction(following)) if following is not None else b""
        self._outbox.put_body(letter.content, invitation, is_chunk=letter.is_chunk)

    def withhold(self, text: str, now: datetime) -> list[Outcome]:
        """Do not send the body that is asked for. Where DATA was accepted the connection must go."""
        self._settled.now = now
        transaction = self._due
        if transaction is not None and transaction.letter.is_chunk:
            self._settled.settle(transaction, OutcomeKind.UNSENT, "body", None, text)
            self._due, self._needs_reset = None, True
            self._close_transaction(transaction)
        else:
            self._end("ours", "was left because a mail was withheld", text)
        return self._settled.hand_back()

    def quit(self) -> None:
        """Take leave; only in phase READY."""
        self.phase = Phase.TALKING
        self._expected.append(("quit", None))
        self._outbox.put(b"QUIT\r\n")

    def stop(self, text: str, now: datetime) -> list[Outcome]:
        """Begin nothing more: mails without a body are UNSENT, one with a body gets its answer."""
        self._settled.now = now
        self._stopping = True
        for transaction in self._open:
            if transaction is not self._body and not transaction.settled:
                self._settled.settle(transaction, OutcomeKind.UNSENT, "local", None, text)
        if self.phase is Phase.READY:
            self.quit()
        elif self._body is None and not self._leaving:
            self._end("ours", "was left because sending was stopped")
        return self._settled.hand_back()

    def lose(self, reason: str, now: datetime, cause: Cause = "lost") -> list[Outcome]:
        """The connection is gone, or given up: at risk is what may have been sent completely."""
        self._settled.now = now
        if self._leaving:
            self.phase = Phase.OVER
        else:
            self._end(cause, reason)
        return self._settled.hand_back()

    # Replies

    @property
    def _leaving(self) -> bool:
        return bool(self._expected) and self._expected[0][0] == "quit"

    def _take(self, reply: Reply) -> None:
        if not self._expected or self.phase is Phase.TLS:
            said = "closed with" if reply.code == _CLOSING else "spoke out of turn:"
            self._end("relay", f"{said} {reply}", reply=reply)
            return
        step, transaction = self._expected[0]
        if reply.code == _CLOSING and step != "quit":
            self._close_down(reply)
            return
        if not self._outbox.is_empty and not self._may_answer_early(step, reply):
            self._end("relay", f"answered what was not yet said: {reply}", reply=reply)
            return
        self._expected.popleft()
        if step == "body" and transaction is not None:
            self._take_body_answer(transaction, reply)
        elif step == "mail" and transaction is not None:
            self._take_mail_answer(transaction, reply)
        elif step == "rcpt" and transaction is not None:
            self._take_rcpt_answer(transaction, reply)
        elif step == "data" and transaction is not None:
            self._take_data_answer(transaction, reply)
        elif step == "opening":
            self._take_opening_answer(reply)
        elif step == "rset":
            self._take_reset_answer(transaction, reply)
        else:
            self.phase = Phase.OVER

    def _close_down(self, reply: Reply) -> None:
        """421: the relay has not taken the mail whose end it saw, and says so (RFC 5321 §3.8)."""
        body = self._body
        if body is not None and self._outbox.is_dot_begun and self._expected[0][0] == "body":
            self._settled.settle(body, OutcomeKind.DEFERRED, "body", reply)
        self._end("relay", f"closed with {reply}", reply=reply)

    def _may_answer_early(self, step: Step, reply: Reply) -> bool:
        """The end of a body was answered while the next commands are still to be written."""
        return step == "body" and (self._outbox.is_dot_written or reply.code >= 400)

    def _take_opening_answer(self, reply: Reply) -> None:
        opening = self._opening
        if opening is None:
            return
        try:
            answer = opening.answer(reply)
        except Failed as failed:
            self._end(failed.cause, str(failed), reply=reply)
            return
        self._features = opening.features
        if opening.wants_tls:
            self.phase = Phase.TLS
            self._expected.append(("opening", None))
        elif answer is None:
            self._opening = None
            self.writer = LetterWriter(self._features)
            self.phase = Phase.READY
        else:
            self._expected.append(("opening", None))
            self._outbox.put(answer)

    def _take_reset_answer(self, transaction: Transaction | None, reply: Reply) -> None:
        if reply.code // 100 != 2:
            self._end("relay", f"answered RSET with {reply}", reply=reply)
        elif transaction is not None:
            self._open.remove(transaction)
            self._outbox.put(self._invite(transaction))

    def _take_mail_answer(self, transaction: Transaction, reply: Reply) -> None:
        if reply.code == _OUT_OF_SEQUENCE and self._chunk_failed:
            # The relay wants RSET after a refused BDAT (RFC 3030 §2): no fault of this mail.
            self._end("ours", "was left because it holds on to a refused mail")
            return
        self._chunk_failed = False
        if self._judge(transaction, "mail", reply):
            transaction.stage = "rcpt"
            if not self._features.pipelining:
                self._expected.append(("rcpt", transaction))
                self._outbox.put(transaction.letter.rcpt)

    def _take_rcpt_answer(self, transaction: Transaction, reply: Reply) -> None:
        if transaction.settled:
            if transaction.letter.is_chunk:  # there is no DATA whose reply would end it
                self._needs_reset = reply.code // 100 == 2
                self._close_transaction(transaction)
            return
        if not self._judge(transaction, "rcpt", reply):
            self._needs_reset = True
        elif transaction.letter.is_chunk:
            self._ask_for_body(transaction)
        else:
            transaction.stage = "data"
            if not self._features.pipelining:
                self._expected.append(("data", transaction))
                self._outbox.put(b"DATA\r\n")

    def _ask_for_body(self, transaction: Transaction) -> None:
        transaction.stage = "body"
        self._due = transaction
        self.phase = Phase.BODY

    def _take_data_answer(self, transaction: Transaction, reply: Reply) -> None:
        if transaction.settled:
            if reply.code // 100 == 3:
                self._end("ours", "asked for the body of a mail it had refused")
            else:
                self._close_transaction(transaction)
        elif self._judge(transaction, "data", reply):
            self._ask_for_body(transaction)
        else:
            self._needs_reset = True

    def _take_body_answer(self, transaction: Transaction, reply: Reply) -> None:
        early = not self._outbox.is_dot_written
        self._judge(transaction, "body", reply)
        self._body = None
        if transaction.letter.is_chunk and reply.code >= 400:
            self._needs_reset = not self._expected
            self._chunk_failed = not self._needs_reset
        if self.phase is Phase.OVER:
            return
        if early:
            self._end("relay", f"answered before the end of a mail: {reply}")
        elif self._stopping and self._expected:
            self._end("ours", "was left because sending was stopped")
        elif self._stopping:
            self.quit()

    def _judge(self, transaction: Transaction, stage: Stage, reply: Reply) -> bool:
        """Apply the table of outcomes; True if the transaction goes on."""
        verdict = judge(stage, reply.code)
        if verdict is Onward.GO_ON:
            return True
        if verdict is Onward.NONSENSE:
            self._end("relay", f"answered {stage.upper()} with {reply}", reply=reply)
            return False
        self._settled.settle(transaction, verdict, stage, reply)
        if verdict is OutcomeKind.UNSENT:
            cause: Cause = "credentials" if reply.code == LOGIN_WANTED else "relay"
            self._end(cause, f"answered {stage.upper()} with {reply}", reply=reply)
            return False
        self.answers += 1
        last = ("rcpt", "body") if transaction.letter.is_chunk else ("data", "body")
        if stage in last or not self._features.pipelining:
            self._close_transaction(transaction)
        return False

    # Ends and beginnings

    def _invite(self, transaction: Transaction) -> bytes:
        """The commands that begin a transaction, with their replies written down as expected."""
        letter = transaction.letter
        self.begun += 1
        self._open.append(transaction)
        self._expected.append(("mail", transaction))
        if not self._features.pipelining:
            return letter.mail
        self._expected.append(("rcpt", transaction))
        if letter.is_chunk:
            return letter.mail + letter.rcpt
        self._expected.append(("data", transaction))
        return b"".join((letter.mail, letter.rcpt, b"DATA\r\n"))

    def _close_transaction(self, transaction: Transaction) -> None:
        self._open.remove(transaction)
        if not self._expected:
            self.phase = Phase.READY

    def _end(
        self, cause: Cause, reason: str, text: str | None = None, reply: Reply | None = None
    ) -> None:
        """Give up the connection: what may have been sent is at risk, the rest is unsent."""
        for transaction in self._open:
            if transaction.settled:
                continue
            at_risk = transaction is self._body and self._outbox.is_dot_begun
            kind = OutcomeKind.UNCERTAIN if at_risk else OutcomeKind.UNSENT
            words = text or f"The relay {reason}."
            self._settled.settle(transaction, kind, transaction.stage, reply, words)
        self._open.clear()
        self._expected.clear()
        self._due = self._body = None
        self._outbox.put(b"")
        self.fault = Fault(cause, reason)
        self.phase = Phase.OVER
