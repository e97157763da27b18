"""The CI's rule about skipped tests: there are none.

The one exception: a test that needs PostgreSQL, on a machine that cannot have one. Run as
`python -m tests.support.skips REPORT`, a JUnit XML report of the whole run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.support import postgres


def list_refused(report: Path, *, has_postgres: bool) -> list[str]:
    """Return `test: reason` for each skipped test that had no right to it."""
    refused: list[str] = []
    for case in ET.parse(report).iter("testcase"):
        for skipped in case.iter("skipped"):
            reason = skipped.get("message", "")
            if has_postgres or postgres.MISSING not in reason:
                refused.append(f"{case.get('classname')}::{case.get('name')}: {reason}")
    return refused


def main() -> int:
    refused = list_refused(Path(sys.argv[1]), has_postgres=postgres.can_run())
    for line in refused:
        sys.stderr.write(f"skipped: {line}\n")
    if refused:
        sys.stderr.write(f"{len(refused)} tests were skipped; that is a failure here.\n")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
