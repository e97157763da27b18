"""What `bench.log` measures, each in a process of its own so that its memory is its own.

`python -m bench.log_work append COUNT | sequence | prove | audit` prints one JSON object.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable

from mailer import consent, selfaudit, transparency
from mailer.app import create_app
from mailer.consent import ConsentState
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db, make_durable, unit_of_work
from mailer.foundation.settings import Settings
from mailer.jobs.log_keeping import LogKeeper
from tests.support.factories import make_list, make_organisation

SLICE = 1_000
PROOFS = 500

Figures = dict[str, float]


def append(count: int) -> Figures:
    """Records with sealed payloads, a thousand to a transaction, each with its waiting leaf."""
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    began = time.perf_counter()
    for _ in range(0, count, SLICE):
        with unit_of_work():
            people = consent.create_subjects(organisation, SLICE)
            given_at = now()
            evidence = {"method": "bench", "address": "reader@example.org", "row": 1}
            consent.record_imported_many(
                organisation,
                mailing_list,
                ConsentState.GIVEN,
                [(person, evidence, given_at) for person in people],
            )
            db.session.expunge_all()
        organisation, mailing_list = db.session.merge(organisation), db.session.merge(mailing_list)
    return {"records": count, "seconds": time.perf_counter() - began}


def sequence() -> Figures:
    """All waiting leaves get positions, go into the keeper's file, and are signed."""
    make_durable()
    count = transparency.count_waiting().count
    chosen = settings()
    keeper = LogKeeper(chosen.log_directory, chosen.log_origin, seconds=0)
    began = time.perf_counter()
    while transparency.has_waiting():
        keeper.turn()
    keeper.turn()
    took = time.perf_counter() - began
    newest = transparency.find_latest_checkpoint()
    if newest is None or newest.size < count:
        raise RuntimeError("not everything was signed")
    keeper.close()
    return {"leaves": count, "seconds": took}


def prove() -> Figures:
    """Proofs of random leaves at the newest checkpoint, as an auditor gets them."""
    newest = transparency.find_latest_checkpoint()
    assert newest is not None
    chosen = random.Random(7)
    times, lengths, tiles = [], [], []
    for _ in range(PROOFS):
        position = chosen.randrange(newest.size)
        db.session.rollback()
        began = time.perf_counter()
        proof = transparency.format_tlog_proof(position, newest)
        times.append((time.perf_counter() - began) * 1_000)
        lengths.append(len(proof.encode()))
        reader = transparency.TreeReader()
        transparency.inclusion_proof(position, newest.size, reader)
        tiles.append(reader.count)
    began = time.perf_counter()
    for _ in range(PROOFS):
        transparency.consistency_proof(chosen.randrange(1, newest.size), newest.size)
    consistent = (time.perf_counter() - began) * 1_000 / PROOFS
    return {
        "milliseconds": statistics.median(times),
        "bytes": max(lengths),
        "tiles": max(tiles),
        "consistency_milliseconds": consistent,
    }


def audit() -> Figures:
    """The whole self-audit, as `python -m mailer audit` runs it."""
    began = time.perf_counter()
    with unit_of_work():
        state = selfaudit.get_state(selfaudit.begin(selfaudit.BY_HAND))
    while state.stage is not selfaudit.Stage.DONE:
        seen = selfaudit.examine(state)
        with unit_of_work():
            state = selfaudit.note(state, seen) or selfaudit.get_state(state.audit_id)
    if state.findings_count:
        raise RuntimeError(f"{state.findings_count} findings")
    return {"rows": state.total, "seconds": time.perf_counter() - began}


def main(words: list[str]) -> None:
    """Do one thing and print what it took."""
    acts: dict[str, Callable[..., Figures]] = {
        "append": append,
        "sequence": sequence,
        "prove": prove,
        "audit": audit,
    }
    with create_app(Settings.from_environment()).app_context():
        figures = acts[words[0]](*map(int, words[1:]))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**figures, "megabytes": megabytes}))


if __name__ == "__main__":
    main(sys.argv[1:])
