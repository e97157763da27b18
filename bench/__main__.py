"""`python -m bench`: measure, and print a table and then one JSON object."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import (
    audiences,
    composing,
    engine,
    importing,
    log,
    machine,
    planning,
    sending,
    signing_up,
    starting,
)
from bench.figures import Sheet
from bench.places import QUICK, Ground, Place, Sizes
from mailer.devkit.warden import Warden
from tests.support import postgres

PARTS: dict[str, Callable[[Ground, Sheet], None]] = {
    "starting": starting.measure,
    "composing": composing.measure,
    "engine": engine.measure,
    "sending": sending.measure,
    "planning": planning.measure,
    "audiences": audiences.measure,
    "signing-up": signing_up.measure,
    "log": log.measure,
    "importing": importing.measure,
}
INTERRUPTED = 130
SHARED = (
    "Everything that takes part runs on the same machine, and so does whatever else is busy there: "
    "compare ratios within a run, not figures of different runs."
)


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it all work?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the JSON there as well")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given repeatedly")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith("MAILER_")]:
        del os.environ[name]
    sizes = QUICK if given.quick else Sizes()
    with _ground(sizes) as (ground, sheet):
        status = _measure(given.only or PARTS, ground, sheet)
    print(sheet.as_table(), sheet.as_json(), sep="\n\n")
    if given.json:
        given.json.write_text(sheet.as_json() + "\n", encoding="utf-8")
    return status


def _measure(names: Iterable[str], ground: Ground, sheet: Sheet) -> int:
    """Measure one part after the other; returns the exit status. Each is shown as soon as it is done, and one
    that fails or is interrupted takes nothing away from the others.
    """
    status = 0
    for name in names:
        began, known = time.monotonic(), len(sheet.figures)
        try:
            _tell(f"measuring: {name} ...")
            PARTS[name](ground, sheet)
        except KeyboardInterrupt:
            sheet.close_group()
            sheet.notes.append(
                f"{name} was interrupted: it is not whole, and what follows is missing."
            )
            return INTERRUPTED
        except Exception as error:  # noqa: BLE001  # the other parts are still worth having
            status = 1
            sheet.close_group()
            sheet.notes.append(f"{name} failed and is not whole: {type(error).__name__}: {error}")
            traceback.print_exc()
        _tell(f"{sheet.rows(known)}\n  {time.monotonic() - began:.0f} s\n")
    return status


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _ground(sizes: Sizes) -> Iterator[tuple[Ground, Sheet]]:
    """Directory, databases and guard; nothing of it is left afterwards."""
    with ExitStack() as undo:
        directory = undo.enter_context(tempfile.TemporaryDirectory(prefix="mailer-bench-"))
        notes = [SHARED]
        places = [Place("SQLite")]
        server = None
        try:
            server = undo.enter_context(postgres.run_postgres())
        except postgres.PostgresMissing as missing:
            notes.append(f"PostgreSQL was left out. {str(missing).splitlines()[0]}")
        else:
            places.append(Place("PostgreSQL", server))
            if postgres.SETTING not in os.environ:
                notes.append("PostgreSQL runs without waiting for the disk (fsync off).")
        warden = undo.enter_context(Warden())
        ground = Ground(Path(directory), tuple(places), sizes, warden)
        yield ground, Sheet(machine.facts(server), notes=notes)


if __name__ == "__main__":
    sys.exit(main())
