"""Asking witnesses and the time-stamp authority, so that the log never waits for them (T-030, T-031, T-032).

Asking is slow talk, so it has three parts. `list_due_questions` reads; `Asking` talks, on threads of its own
and without the database; `record_answer` writes, in a unit of work. Whatever the other side does, the log goes
on: what went wrong is kept as a sentence, and it is asked again later, at longer and longer intervals.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from mailer.foundation import context
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import MailerError
from mailer.foundation.setting_entries import WitnessAddress
from mailer.transparency.cosigning import Cosignature
from mailer.transparency.models import LogAnchor, LogCosignature, LogTimestamp
from mailer.transparency.policy import AnchorKind
from mailer.transparency.proving import consistency_proof
from mailer.transparency.publishing import Checkpoint, find_latest_checkpoint
from mailer.transparency.timestamping import RENEW_BEFORE, Stamp, ask_authority, read_roots
from mailer.transparency.witnessing import KnownSize, ask_witness

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
THREADS = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CosignQuestion:
    """A checkpoint for a witness, with the proof from the size at which we believe it to be."""

    witness: WitnessAddress
    checkpoint: Checkpoint
    old_size: int
    proof: tuple[bytes, ...]

    kind = AnchorKind.WITNESS

    @property
    def anchor(self) -> str:
        return self.witness.name

    def ask(self) -> Cosignature | KnownSize:
        """Raises MailerError with a sentence about what it does instead."""
        return ask_witness(self.witness, self.checkpoint.note, self.old_size, self.proof)


@dataclass(frozen=True, slots=True)
class StampQuestion:
    """A note for a time-stamp authority, or the token of an older stamp that is to be renewed."""

    anchor: str
    roots_file: Path
    policy: str
    checkpoint_id: int
    content: bytes
    renews_id: int | None = None

    kind = AnchorKind.AUTHORITY

    def ask(self) -> Stamp:
        """Raises MailerError with a sentence about what it does instead."""
        return ask_authority(self.anchor, self.content, read_roots(self.roots_file), self.policy)


Question = CosignQuestion | StampQuestion


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question; `failure` is a sentence, empty when it was answered."""

    question: Question
    asked_at: datetime
    result: Cosignature | KnownSize | Stamp | None
    failure: str = ""


def list_due_questions(busy: Collection[str] = ()) -> list[Question]:
    """What is to be asked now about the newest checkpoint; nobody named in `busy` is asked."""
    chosen, newest = context.settings(), find_latest_checkpoint()
    if newest is None or not (chosen.log_witnesses or chosen.tsa_url):
        return []
    states = {row.name: row for row in db.session.scalars(sa.select(LogAnchor))}
    moment = now()
    resting = {name for name, row in states.items() if row.next_try_at and row.next_try_at > moment}
    unfree = {*busy, *resting}
    cosigned = set(
        db.session.scalars(
            sa.select(LogCosignature.witness).where(LogCosignature.checkpoint_id == newest.id)
        )
    )
    questions: list[Question] = [
        _to_cosign(witness, newest, states.get(witness.name))
        for witness in chosen.log_witnesses
        if witness.name not in unfree | cosigned
    ]
    if chosen.tsa_url and chosen.tsa_url not in unfree:
        stamp = _to_stamp(newest, moment) or _to_renew(moment)
        questions += [stamp] if stamp else []
    return questions


def answer_to(question: Question) -> Answer:
    """Put a question, over the network and without the database."""
    asked_at = now()
    try:
        return Answer(question, asked_at, question.ask())
    except MailerError as error:
        return Answer(question, asked_at, None, str(error))


class Asking:
    """Questions under way, at most one for each anchor."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="anchor")
        self._under_way: dict[str, tuple[Question, Future[Answer]]] = {}

    def list_busy(self) -> set[str]:
        """The anchors that have not answered yet, or whose answer nobody has taken."""
        return set(self._under_way)

    def start(self, questions: Sequence[Question]) -> None:
        """Put questions; returns at once."""
        for question in questions:
            if question.anchor not in self._under_way:
                under_way = self._threads.submit(answer_to, question)
                self._under_way[question.anchor] = question, under_way

    def take_answers(self) -> list[Answer]:
        """The answers that have come since; each is given once."""
        done = [name for name, (_, future) in self._under_way.items() if future.done()]
        return [_taken(*self._under_way.pop(name)) for name in done]

    def close(self) -> None:
        """Ask nothing more; what is under way ends by itself within its time."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _taken(question: Question, future: Future[Answer]) -> Answer:
    """What a thread brought, even if it broke on something that nobody had thought of."""
    error = future.exception()
    if error is None:
        return future.result()
    log.error("asking an anchor broke", exc_info=error, extra={"anchor": question.anchor})
    return Answer(question, now(), None, "Asking it broke; see the log of this process.")


def record_answer(answer: Answer) -> None:
    """Keep what an anchor gave, or why it gave nothing. Recording an answer twice is recording it once."""
    question, moment = answer.question, now()
    state = db.session.get(LogAnchor, question.anchor)
    if state is None:
        state = LogAnchor(name=question.anchor, kind=question.kind, failure="", failures=0)
        db.session.add(state)
    state.asked_at = answer.asked_at
    if isinstance(question, CosignQuestion):
        failure = answer.failure or _keep_cosignature(state, question, answer.result)
    else:
        failure = answer.failure or _keep_stamp(question, answer.result)
    if failure:
        _fail(state, failure, moment)
    elif not isinstance(answer.result, KnownSize):
        state.answered_at = moment
        state.failing_since, state.failure = None, ""
        state.failures, state.next_try_at = 0, None
    db.session.flush()


def _to_cosign(
    witness: WitnessAddress, newest: Checkpoint, state: LogAnchor | None
) -> CosignQuestion:
    known = (state.known_size if state else None) or 0
    old_size = min(known, newest.size)
    proof = consistency_proof(old_size, newest.size)
    return CosignQuestion(witness, newest, old_size, tuple(proof))


def _to_stamp(newest: Checkpoint, moment: datetime) -> StampQuestion | None:
    """A question about the newest note, unless it is stamped or the last stamp is too young."""
    chosen = context.settings()
    last = db.session.scalar(
        sa.select(LogTimestamp)
        .where(LogTimestamp.authority == chosen.tsa_url, LogTimestamp.renews_id.is_(None))
        .order_by(LogTimestamp.id.desc())
        .limit(1)
    )
    pause = timedelta(minutes=chosen.tsa_minutes)
    if last and (last.checkpoint_id == newest.id or moment - last.received_at < pause):
        return None
    return _stamp_question(newest.id, newest.note.encode())


def _to_renew(moment: datetime) -> StampQuestion | None:
    """A question about the oldest stamp whose certificates end soon, once newer ones are in use."""
    last_end = db.session.scalar(
        sa.select(LogTimestamp.expires_at).order_by(LogTimestamp.id.desc()).limit(1)
    )
    if last_end is None or last_end <= moment + RENEW_BEFORE:
        return None
    renewed = sa.select(LogTimestamp.renews_id).where(LogTimestamp.renews_id.is_not(None))
    ending = db.session.scalar(
        sa.select(LogTimestamp)
        .where(
            LogTimestamp.expires_at > moment,
            LogTimestamp.expires_at <= moment + RENEW_BEFORE,
            LogTimestamp.id.not_in(renewed),
        )
        .order_by(LogTimestamp.expires_at, LogTimestamp.id)
        .limit(1)
    )
    if ending is None:
        return None
    return _stamp_question(ending.checkpoint_id, ending.token, ending.id)


def _stamp_question(
    checkpoint_id: int, content: bytes, renews_id: int | None = None
) -> StampQuestion:
    chosen = context.settings()
    roots_file = chosen.tsa_roots or Path()
    return StampQuestion(
        chosen.tsa_url, roots_file, chosen.tsa_policy, checkpoint_id, content, renews_id
    )


def _keep_cosignature(
    state: LogAnchor, question: CosignQuestion, result: Cosignature | KnownSize | Stamp | None
) -> str:
    """Keep the line, or where the witness stands; returns what is wrong with it, if anything."""
    checkpoint = question.checkpoint
    if isinstance(result, KnownSize):
        is_other = state.known_size is not None and state.known_size == question.old_size
        state.known_size = result.size
        if result.size > checkpoint.size:
            return (
                f"It has cosigned {result.size} leaves of this log, but our newest checkpoint has "
                f"{checkpoint.size}. Either it is wrong, or the log was set back, or somebody else has its key."
            )
        return "It names another size than it named or cosigned before." if is_other else ""
    if isinstance(result, Cosignature):
        state.known_size = checkpoint.size
        is_there = sa.select(LogCosignature.id).where(
            LogCosignature.checkpoint_id == checkpoint.id,
            LogCosignature.witness == question.anchor,
        )
        if db.session.scalar(is_there) is None:
            db.session.add(
                LogCosignature(
                    checkpoint_id=checkpoint.id, witness=question.anchor, line=result.line
                )
            )
    return ""


def _keep_stamp(question: StampQuestion, result: Cosignature | KnownSize | Stamp | None) -> str:
    """Keep the token; returns what is wrong with it, if anything."""
    if not isinstance(result, Stamp):
        return ""
    is_there = sa.select(LogTimestamp.id).where(
        LogTimestamp.renews_id == question.renews_id
        if question.renews_id
        else LogTimestamp.token == result.token
    )
    if db.session.scalar(is_there) is None:
        db.session.add(
            LogTimestamp(
                checkpoint_id=question.checkpoint_id,
                authority=question.anchor,
                token=result.token,
                chain=result.chain,
                revocation=result.revocation,
                gen_time=result.gen_time,
                expires_at=result.expires_at,
                renews_id=question.renews_id,
            )
        )
    return ""


def _fail(state: LogAnchor, failure: str, moment: datetime) -> None:
    if state.failure != failure:
        log.warning("an anchor fails", extra={"anchor": state.name, "why": failure})
    state.failures += 1
    state.failure = failure
    state.failing_since = state.failing_since or moment
    pause = min(FIRST_PAUSE * 2 ** min(state.failures - 1, 10), LONGEST_PAUSE)
    state.next_try_at = moment + pause
