"""The consent log: appending, sequencing, proving and auditing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping

from bench.figures import Sheet
from bench.places import ROOT, Ground, Place, environ_for, python

LEAST = 1_000  # records
FEW = 10  # a first audit sees this part of the records, for its memory is compared


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add rates, sizes, times and memory at full size; what it costs a sign-up, signing up says."""
    for place in ground.places:
        _measure_log(ground, sheet, place)
    sheet.close_group()
    sheet.notes.append(
        "log: records with sealed payloads, a thousand to a transaction; PostgreSQL gets a tenth of them. "
        "Memory is the highest of the process that did it, with everything Mailer imports."
    )


def _measure_log(ground: Ground, sheet: Sheet, place: Place) -> None:
    count = max(ground.sizes.log_records // (1 if place.server is None else 10), LEAST)
    few = max(count // FEW, LEAST)
    with ground.template(place, lambda: None) as url:
        environ = environ_for(ground.new_directory(), MAILER_DATABASE_URL=url)
        first = _work(environ, "append", str(few))
        sequenced = _work(environ, "sequence")
        small = audited = _work(environ, "audit")
        rest = first
        if count > few:
            rest = _work(environ, "append", str(count - few))
            sequenced = _work(environ, "sequence")
            audited = _work(environ, "audit")
        proven = _work(environ, "prove")
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
