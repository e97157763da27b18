"""The consent log: appending, sequencing, proving, auditing, and what it costs a sign-up."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack

from bench import signing_up
from bench.figures import Sheet
from bench.places import ROOT, Ground, Place, environ_for, python

ROUND_SECONDS = 30.0  # no further round of sign-ups is begun after these
FEW = 10  # a first audit sees this part of the records, for its memory is compared


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add rates, sizes, times and memory at full size, and sign-ups with and without the log."""
    for place in ground.places:
        _measure_log(ground, sheet, place)
    sheet.close_group()
    sheet.notes.append(
        "log: records with sealed payloads, a thousand to a transaction; PostgreSQL gets a tenth of them. "
        "Memory is the highest of the process that did it, with everything Mailer imports."
    )
    with ExitStack() as undo:
        pairs = [
            (
                place,
                undo.enter_context(signing_up.service(ground, place, keeps_log=True)),
                undo.enter_context(signing_up.service(ground, place, keeps_log=False)),
            )
            for place in ground.places
        ]
        for number in ground.rounds(ROUND_SECONDS):
            for place, with_log, without in pairs:
                order = (with_log, without) if number % 2 else (without, with_log)
                rates = {id(one): signing_up.rate(ground, one) for one in order}
                name = f"signing up, {place.name}"
                sheet.add(f"{name}: with the log", "requests/s", rates[id(with_log)])
                sheet.add(f"{name}: without the log", "requests/s", rates[id(without)])
                ratio = rates[id(with_log)] / rates[id(without)]
                sheet.add(f"{name}: ratio with to without", "×", ratio)
    sheet.close_group()
    sheet.notes.append(
        "signing up without the log: the trigger that queues leaves is dropped, and no log keeper runs. "
        "The target for the ratio is 0.9 or more."
    )


def _measure_log(ground: Ground, sheet: Sheet, place: Place) -> None:
    count = ground.sizes.log_records // (1 if place.server is None else 10)
    few = max(count // FEW, 1_000)
    with ground.template(place, lambda: None) as url:
        environ = environ_for(ground.new_directory(), MAILER_DATABASE_URL=url)
        first = _work(environ, "append", str(few))
        _work(environ, "sequence")
        small = _work(environ, "audit")
        rest = _work(environ, "append", str(count - few)) if count > few else first
        sequenced = _work(environ, "sequence")
        proven = _work(environ, "prove")
        audited = _work(environ, "audit")
    name = f"log, {place.name}, {count:,} records"
    records = first["records"] + (rest["records"] if rest is not first else 0)
    seconds = first["seconds"] + (rest["seconds"] if rest is not first else 0)
    sheet.add(f"{name}: appending", "records/s", records / seconds)
    if sequenced["leaves"]:
        sheet.add(
            f"{name}: sequencing and signing",
            "leaves/s",
            sequenced["leaves"] / sequenced["seconds"],
        )
    sheet.add(f"{name}: size of a proof", "bytes", proven["bytes"])
    sheet.add(f"{name}: making a proof", "ms", proven["milliseconds"])
    sheet.add(f"{name}: making a consistency proof", "ms", proven["consistency_milliseconds"])
    sheet.add(f"{name}: tiles read for a proof, at most", "tiles", proven["tiles"])
    sheet.add(f"{name}: full audit", "s", audited["seconds"])
    sheet.add(f"{name}: full audit, rate", "rows/s", audited["rows"] / audited["seconds"])
    sheet.add(f"{name}: memory of appending", "MB", rest["megabytes"])
    sheet.add(f"{name}: memory of sequencing", "MB", sequenced["megabytes"])
    sheet.add(f"{name}: memory of the audit", "MB", audited["megabytes"])
    sheet.add(f"{name}: memory of an audit of {few:,}", "MB", small["megabytes"])


def _work(environ: Mapping[str, str], *words: str) -> dict[str, float]:
    done = subprocess.run(
        python("-m", "bench.log_work", *words),
        cwd=ROOT,
        env={**os.environ, **environ, "MAILER_LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stderr[-2_000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found
