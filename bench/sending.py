"""Sending a campaign: from rows to a receiver, through worker processes as they are deployed.

Each run is followed by Postfix's smtp-source, which sends as many mails of the same size to the same
smtp-sink. Without Postfix, and beside it, a receiver and a bare sender of our own say what is possible.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench import postfix, sink, workers
from bench.campaigns import Written, write_campaign
from bench.figures import Sheet
from bench.places import ROOT, Ground, Place, python
from bench.workers import Job, Usage
from mailer.rendering import ED25519, RSA

CONNECTIONS = 16  # of smtp-source, and of all workers of a run together
ROUND_SECONDS = 300.0  # no further round is begun after these
LEAST = 1_000  # recipients; with fewer, only a few cases are measured
MOST_CPU = 45.0  # µs of the workers, for a mail of 10 KB that is not signed
COUNTED = "counted links"
SIGNING: dict[str, tuple[str, ...]] = {
    "": (),
    COUNTED: (),
    "Ed25519": (ED25519,),
    "RSA-2048": (RSA,),
}
SHARE = {"": 1, COUNTED: 1, "Ed25519": 1, "RSA-2048": 2}  # fewer mails where each takes longer
OCTETS = {10: 10_000, 30: 30_000}  # on the wire
TARGETS = {
    (10, "SQLite"): 1.2,
    (10, "PostgreSQL"): 1.0,
    (30, "SQLite"): 1.0,
    (30, "PostgreSQL"): 0.95,
}
SIGNED_TARGETS = {"Ed25519": 0.75, "RSA-2048": 0.3}  # 10 KB, two workers


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured; `kind` is one of SIGNING, empty for a plain mail."""

    size: int  # KB
    kind: str
    workers: int

    @property
    def campaign(self) -> str:
        """The name of its campaign; it says what its mails are like."""
        return ", ".join(filter(None, (f"{self.size} KB", self.kind)))

    @property
    def name(self) -> str:
        return f"{self.campaign}, {self.workers} worker{'s' if self.workers > 1 else ''}"

    def target(self, place: Place) -> float | None:
        """The least ratio to smtp-source that is intended."""
        if not self.kind:
            return TARGETS[self.size, place.name]
        is_meant = self.size == 10 and self.workers == 2
        return SIGNED_TARGETS.get(self.kind) if is_meant else None


ALL = [Case(*each) for each in itertools.product(OCTETS, SIGNING, (1, 2))]
FEW = [Case(10, "", 1), Case(10, COUNTED, 1), Case(10, "RSA-2048", 2)]


@dataclass(frozen=True, slots=True)
class Ready:
    """A database with planned campaigns that are paused, and what they are like by their name."""

    place: Place
    url: str
    written: dict[str, Written]


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add what sending costs, run for run beside smtp-source and beside a bare sender."""
    cases = ALL if ground.sizes.recipients >= LEAST else FEW
    if not postfix.is_here():
        cases = cases[:1]
    with ExitStack() as undo:
        own = undo.enter_context(ground.sink())
        theirs = undo.enter_context(postfix.smtp_sink(ground)) if postfix.is_here() else None
        ready = [undo.enter_context(_ready(ground, place, cases)) for place in ground.places]
        for number in ground.rounds(ROUND_SECONDS):
            for one in ready:
                _beside_the_bare_sender(ground, sheet, one, own)
            for case, one in itertools.product(cases, ready):
                # Later rounds measure again what has a target.
                if theirs is not None and (not number or case.target(one.place)):
                    _beside_smtp_source(ground, sheet, one, case, theirs)
    sheet.close_group()
    _explain(ground, sheet)


def _explain(ground: Ground, sheet: Sheet) -> None:
    share = "half as many of them signed with RSA-2048"
    for note in (
        (
            f"{ground.sizes.mails:,} planned people ({share}), each with their row, proof and journal lines; "
            f"{CONNECTIONS} connections of all workers together, as many as smtp-source has. Sizes are those "
            "on the wire; smtp-source sends the same size to the same smtp-sink right after."
        ),
        (
            "a rate counts from the waking of the workers until everything is settled; processor time is "
            "that of the workers in this time, without PostgreSQL and the receiver. PostgreSQL has done its "
            "housekeeping (VACUUM, ANALYZE), and what was copied is on the disk."
        ),
        (
            f"{COUNTED}: everybody agreed that their clicks are counted, so the same text has a dozen links "
            "for each 10 KB that lead through us; the mails are that much longer, and so are smtp-source's."
        ),
        (
            "on the wire, from the first mail to the last, with 10 KB and one worker, to our own receiver; "
            "the ratio is to a sender without rows, journal or names that was measured right after it."
        ),
    ):
        sheet.notes.append(f"sending: {note}")
    if not postfix.is_here():
        sheet.notes.append(
            "sending: smtp-source and smtp-sink (Postfix) are not here to compare with."
        )


@contextmanager
def _ready(ground: Ground, place: Place, cases: list[Case]) -> Iterator[Ready]:
    """A database with one planned campaign for each kind of mail, none of them running."""
    written: dict[str, Written] = {}
    with ground.template(place, lambda: _fill(ground, cases, written)) as url:
        place.tidy(url)
        yield Ready(place, url, written)


def _fill(ground: Ground, cases: list[Case], written: dict[str, Written]) -> None:
    for case in {case.campaign: case for case in cases}.values():
        written[case.campaign] = write_campaign(
            case.campaign,
            mails=ground.sizes.mails // SHARE[case.kind],
            octets=OCTETS[case.size],
            algorithms=SIGNING[case.kind],
            tracked=case.kind == COUNTED,
        )


def _job(one: Ready, case: Case, port: int) -> Job:
    return Job(
        campaign=case.campaign,
        port=port,
        mails=one.written[case.campaign].mails,
        workers=case.workers,
        connections=CONNECTIONS,
    )


def _beside_smtp_source(ground: Ground, sheet: Sheet, one: Ready, case: Case, port: int) -> None:
    mails, octets = one.written[case.campaign].mails, one.written[case.campaign].octets
    used = workers.send(ground, one.place, one.url, _job(one, case, port))
    rate, _ = postfix.smtp_source(port, mails, octets, CONNECTIONS)
    name = f"sending, {one.place.name}, {case.name}"
    ours = mails / used.seconds
    sheet.add(name, "mails/s", ours)
    sheet.add(f"{name}: smtp-source", "mails/s", rate)
    least = case.target(one.place)
    sheet.add(f"{name}: ratio to smtp-source", "×", ours / rate, at_least=least)
    is_meant = case.size == 10 and not case.kind
    _add_usage(sheet, name, used, mails, MOST_CPU if is_meant else None)


def _beside_the_bare_sender(ground: Ground, sheet: Sheet, one: Ready, port: int) -> None:
    case = FEW[0]
    mails = one.written[case.campaign].mails
    sink.ask(port)
    workers.send(ground, one.place, one.url, _job(one, case, port))
    count = sink.ask(port)
    if count.mails != mails:
        raise RuntimeError(f"{count.mails} of {mails} mails arrived")
    name = f"sending, {one.place.name}"
    sheet.add(f"{name}: on the wire", "mails/s", count.rate)
    sheet.add(f"{name}: receiver", "CPU µs/mail", count.cpu_seconds / mails * 1e6)
    bare = _bare(port, mails, count.octets // mails)
    sheet.add("sending: bare sender to the same receiver", "mails/s", bare)
    sheet.add(f"{name}: ratio to the bare sender", "×", count.rate / bare)


def _add_usage(sheet: Sheet, name: str, used: Usage, mails: int, most: float | None) -> None:
    if used.cpu_seconds is not None:
        cpu = used.cpu_seconds / mails * 1e6
        sheet.add(f"{name}: workers", "CPU µs/mail", cpu, at_most=most)
    if used.megabytes is not None:
        sheet.add(f"{name}: a worker, peak", "MB", used.megabytes)


def _bare(port: int, mails: int, octets: int) -> float:
    """Mails a second of the bare sender."""
    numbers = map(str, (port, mails, octets, CONNECTIONS))
    subprocess.run(python("-m", "bench.bare_sender", *numbers), cwd=ROOT, check=True, timeout=60)
    return sink.ask(port).rate
