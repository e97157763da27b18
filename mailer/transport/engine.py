"""The loop that speaks SMTP over many connections in one process.

It pulls envelopes only as connections can take them: one for each connection, two where
PIPELINING lets the next mail be announced with the body of the one before. The first
connection goes alone; the others follow once it has shown that the relay can be used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from mailer.foundation import clock
from mailer.transport.connections import Connections
from mailer.transport.envelopes import Envelope
from mailer.transport.failures import RelayRefused, RelayUnavailable
from mailer.transport.journal import Journal
from mailer.transport.letters import Letter, Refusal
from mailer.transport.link import Link
from mailer.transport.outcomes import Outcome, Stage
from mailer.transport.phases import Phase
from mailer.transport.readiness import READ, WRITE
from mailer.transport.relay import Relay
from mailer.transport.reporting import Reporter
from mailer.transport.steady import SteadyDialogue
from mailer.transport.stock import Stock

TICK: Final = 0.1  # seconds between two questions to `poll`
ALLOWED_FOR: Final = 0.4  # seconds after which a body on its way is asked about again
STOPPED: Final = "Sending was stopped before this mail."


def deliver(
    envelopes: Iterator[Envelope | None],
    relay: Relay,
    *,
    connections: int,
    journal: Journal,
    allow: Callable[[str], bool],
    poll: Callable[[], bool],
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Hand `envelopes` to `relay` over at most `connections` connections; blocks until done.

    Every envelope that is pulled gets exactly one outcome through `on_outcome`. The iterator may
    yield None to say "nothing at the moment"; it is asked again within 100 ms. `allow(key)` is
    asked immediately before a body is written (C-061). `poll()` is asked every 100 ms; once it
    says False nothing more is begun, and only mails whose body is under way are finished.
    `journal` notes each mail before its final dot and each answer after it.

    Raises RelayUnavailable (RelayRefused for bad credentials) if no connection could be made
    usable, and JournalFailed if the journal cannot be written, in both cases after handing back
    UNSENT for everything pulled. What `envelopes` raises is raised again in the same manner.
    What the other callbacks raise ends everything at once; the journal knows what is at risk.
    """
    reporter = Reporter(journal, on_outcome, relay.name)
    run = _Run(relay, connections, Stock(envelopes), reporter)
    run.to_the_end(allow, poll)


class _Run(Connections):
    """One call of `deliver`."""

    _allow: Callable[[str], bool]
    _poll: Callable[[], bool]

    def __init__(self, relay: Relay, connections: int, stock: Stock, reporter: Reporter) -> None:
        super().__init__(relay, connections, stock, reporter)
        self._unusable: RelayUnavailable | None = None
        self._next_tick = 0.0
        self._round_at = clock.now()  # when what is read in this round was there

    def to_the_end(self, allow: Callable[[str], bool], poll: Callable[[], bool]) -> None:
        self._allow, self._poll = allow, poll
        try:
            self._loop()
        finally:
            self._close_everything()
        error = self._reporter.error or self._stock.error or self._unusable
        if error is not None:
            raise error

    def _loop(self) -> None:
        while True:
            now = time.monotonic()
            if now >= self._next_tick:
                self._tick(now, was_blocked=now > self._next_tick + 1.0)
                self._next_tick = now + TICK
            if not self._stopping and (self._reporter.error or self._stock.error):
                self._stop()
            if self._look_for_slots:
                self._open_links(now)
            if not self._links and self._is_finished():
                return
            ready = self._readiness.poll(max(0.0, self._next_tick - time.monotonic()))
            self._round_at = clock.now()
            links = self._links
            # A descriptor may belong to another connection before its turn comes.
            for link, events in [(links[descriptor], events) for descriptor, events in ready]:
                if events == READ and link.dialogue.is_steady and not self._stopping:
                    self._turn(link)
                else:
                    self._serve(link, events)

    def _is_finished(self) -> bool:
        """Whether nothing is left to do, or nothing can be done; asked only without connections."""
        if self._stopping or self._stock.is_out_of_work:
            return True
        if not self._slots.is_given_up:
            return False
        fault = self._slots.last_fault
        refused = fault.cause == "credentials"
        text = f"The mail relay {self._relay.name} cannot be used: it {fault.reason}."
        self._unusable = RelayRefused(text) if refused else RelayUnavailable(text)
        self._hand_back_stock("auth" if refused else "connect", text)
        return True

    # Time passes

    def _tick(self, now: float, *, was_blocked: bool) -> None:
        """What is due every 100 ms: the caller's wish, patience, and what has been idle.

        After a callback that took long, answers may be there unread: patience waits for one round.
        """
        self._stock.wake()
        if not self._stopping and not self._poll():
            self._stop()
        self._look_for_slots = True
        patience = self._relay.timeouts
        for link in list(self._links.values()):
            dialogue = link.dialogue
            awaited = "connect" if link.wire.connecting else dialogue.awaited
            if self._stock.is_out_of_work and not dialogue.is_open:
                self._lose(link, "is no longer needed", "ours")
            elif dialogue.phase is Phase.READY:
                self._advance(link)
            elif awaited is None or was_blocked:
                continue
            elif now - link.since > (seconds := getattr(patience, awaited)):
                self._lose(link, f"gave no answer for {seconds:g} seconds ({awaited})", "relay")

    def _stop(self) -> None:
        self._stopping = True
        self._hand_back_stock("local", STOPPED)
        for link in list(self._links.values()):
            self._reporter.report(link.dialogue.stop(STOPPED, clock.now()))
            self._advance(link)

    # Octets come and go

    def _turn(self, link: Link) -> None:
        """The short way of a busy connection: the usual replies in, the next body out."""
        dialogue = link.dialogue
        try:
            octets = link.wire.receive()
        except OSError as error:
            self._fail(link, error)
            return
        outcome = dialogue.hear_flight(octets, self._round_at) if octets else None
        if outcome is None:
            self._take_in(link, octets)
            return
        self._slots.answered(link.slot)
        self._reporter.report_one(outcome)
        self._stock.wake()
        following = self._next_letter(dialogue)
        if following is None:
            dialogue.ask_for_body()
            self._advance(link)
        elif self._allow(dialogue.invited_key):
            self._send_on(link, following)
        else:
            dialogue.ask_for_body()
            self._withhold(link, following)
            self._advance(link)

    def _send_on(self, link: Link, following: Letter) -> None:
        """Send the next body on the short way; what does not leave at once takes the long one."""
        dialogue, wire = link.dialogue, link.wire
        key = dialogue.invited_key
        octets = dialogue.turn(following)
        written = 0
        link.allowed_at = time.monotonic()
        if len(octets) <= wire.most and self._reporter.note_sent(key):
            link.since = time.monotonic()
            try:
                if link.since - link.allowed_at <= ALLOWED_FOR:  # the disk did not keep us
                    written = wire.send(octets)
            except OSError as error:
                dialogue.keep_rest(octets, 0)
                self._fail(link, error)
                return
        if written < len(octets):
            dialogue.keep_rest(octets, written)
            self._advance(link)
        elif wire.wants_write:
            self._watch(link)

    def _serve(self, link: Link, events: int) -> None:
        if not self._has(link):
            return  # closed by an earlier event of the same round
        try:
            if link.wire.connecting:
                link.wire.finish_connecting()
                link.since = time.monotonic()
                if link.dialogue.phase is Phase.TLS:
                    self._start_tls(link)
            elif link.dialogue.phase is Phase.TLS:
                self._shake_hands(link)
            else:
                if events & ~WRITE and not self._read(link):
                    return
                link.wire.flush()
            self._advance(link)
        except OSError as error:
            self._fail(link, error)

    def _fail(self, link: Link, error: OSError) -> None:
        """An operation failed; what the relay said before it went is still listened to."""
        if link.wire.connecting:
            self._lose(link, f"could not be reached: {error.strerror or error}", "relay")
        elif link.dialogue.phase is Phase.TLS:
            reason = getattr(error, "verify_message", "") or error.strerror or error
            self._lose(link, f"could not be spoken to over TLS: {reason}", "relay")
        else:
            try:
                while self._has(link) and self._read(link, farewell=True):
                    pass
            except OSError:
                pass
            if self._has(link):
                self._lose(link, f"broke the connection: {error.strerror or error}", "lost")

    def _read(self, link: Link, *, farewell: bool = False) -> bool:
        """Take in what arrived; False if the connection is gone, or nothing came in farewell."""
        octets = link.wire.receive()
        if octets is None:
            return not farewell
        if not octets:
            self._lose(link, "closed the connection", "lost")
            return False
        self._hear(link, octets)
        if farewell and link.dialogue.phase is Phase.OVER:
            self._close(link)
        return True

    def _take_in(self, link: Link, octets: bytes | None) -> None:
        """What was read on the short way goes on the long one."""
        if octets:
            self._hear(link, octets)
            self._advance(link)
        elif octets is not None:
            self._lose(link, "closed the connection", "lost")

    def _hear(self, link: Link, octets: bytes) -> None:
        dialogue = link.dialogue
        awaited = dialogue.awaited
        outcomes = dialogue.receive(octets, clock.now())
        if outcomes or dialogue.awaited != awaited:
            link.since = time.monotonic()
        if outcomes:
            if dialogue.answers:
                self._slots.answered(link.slot)
            self._reporter.report(outcomes)
            self._stock.wake()  # an answer may make room for another mail

    def _start_tls(self, link: Link) -> None:
        if self._context is None:
            raise OSError("there is no TLS context")
        link.wire.start_tls(self._context, self._relay.host)
        link.since = time.monotonic()
        self._shake_hands(link)

    def _shake_hands(self, link: Link) -> None:
        if link.wire.handshake():
            link.dialogue.secured()
            link.since = time.monotonic()
            rest = link.wire.decrypted_rest()
            if rest:
                self._hear(link, rest)

    def _advance(self, link: Link) -> None:
        """Give the dialogue what its phase asks for, then send what it has to say."""
        dialogue = link.dialogue
        try:
            while True:
                phase = dialogue.phase
                if phase is Phase.BODY:
                    self._answer_body(link)
                elif phase is Phase.READY:
                    if not self._offer_mail(link):
                        break
                elif phase is Phase.TLS and not link.wire.connecting and not link.wire.is_tls:
                    self._start_tls(link)
                else:
                    break
            if dialogue.phase is Phase.OVER:
                self._close(link)
            else:
                self._flush(link)
        except OSError as error:
            self._fail(link, error)

    def _offer_mail(self, link: Link) -> bool:
        """Begin the next mail, or take leave; False if there is none at the moment."""
        if self._slots.is_scouting:
            self._slots.found_usable()
            self._look_for_slots = True
        letter = self._next_letter(link.dialogue)
        if letter is not None:
            link.dialogue.begin(letter)
        elif self._stock.is_exhausted or self._is_spent(link.dialogue):
            link.dialogue.quit()
        else:
            return False
        link.since = time.monotonic()
        return True

    def _answer_body(self, link: Link) -> None:
        """Send the body that was asked for, if that is still allowed (C-061)."""
        dialogue = link.dialogue
        following: Letter | None = None
        if dialogue.features.pipelining:
            following = self._next_letter(dialogue)
        if self._allow(dialogue.key_due):
            link.allowed_at = time.monotonic()
            dialogue.send_body(following)
        else:
            self._withhold(link, following)

    def _withhold(self, link: Link, following: Letter | None) -> None:
        if following is not None:
            self._stock.put_back(following.envelope)
        self._reporter.report(link.dialogue.withhold("withheld", clock.now()))

    def _flush(self, link: Link) -> None:
        dialogue, wire = link.dialogue, link.wire
        while not wire.connecting and (octets := dialogue.outgoing(wire.most)):
            key = dialogue.key_at_stake(len(octets))
            if key is not None and not self._may_end(link, key):
                return
            taken = wire.send(octets)
            if not taken:
                break
            dialogue.wrote(taken)
            link.since = time.monotonic()
        dialogue.look_whether_steady()
        self._watch(link)

    def _may_end(self, link: Link, key: str) -> bool:
        """Whether the final dot of `key` may be written; if not, the connection is left before it.

        A relay may have taken its time over the body, so that what was allowed is so no more (C-061).
        The question comes last: a disk may take its time too.
        """
        if not self._reporter.note_sent(key):
            self._lose(link, "was left because the journal cannot be written", "ours")
            return False
        now = time.monotonic()
        if now - link.allowed_at > ALLOWED_FOR:
            if not self._allow(key):
                self._lose(link, "was left because a mail was withdrawn on its way", "ours")
                return False
            link.allowed_at = now
        return True

    # Mails come and go

    def _is_spent(self, dialogue: SteadyDialogue) -> bool:
        """Whether this connection has begun as many mails as it may."""
        return 0 < self._relay.mails_per_connection <= dialogue.begun

    def _next_letter(self, dialogue: SteadyDialogue) -> Letter | None:
        """The next mail this connection can carry; those it cannot are refused on the way."""
        if self._is_spent(dialogue):
            return None
        while (envelope := self._stock.take()) is not None:
            letter = dialogue.writer.write(envelope)
            if not isinstance(letter, Refusal):
                return letter
            self._reporter.refuse(envelope.key, letter, tls=dialogue.tls)
        return None

    def _hand_back_stock(self, stage: Stage, text: str) -> None:
        for envelope in self._stock.drain():
            self._reporter.hand_back(envelope.key, stage, text)
