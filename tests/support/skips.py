"""The CI's rule about skipped tests: there are none.

The exceptions: a test that needs PostgreSQL or mail servers, on a machine that cannot have them. Run as
`python -m tests.support.skips REPORT`, a JUnit XML report of the whole run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.support import mail_servers, postgres


def list_refused(report: Path, *, has_postgres: bool, has_mail_servers: bool = True) -> list[str]:
    """Return `test: reason` for each skipped test that had no right to it."""
    missing = [] if has_postgres else [postgres.MISSING]
    missing += [] if has_mail_servers else [mail_servers.MISSING]
    refused: list[str] = []
    for case in ET.parse(report).iter("testcase"):
        for skipped in case.iter("skipped"):
            reason = skipped.get("message", "")
            if not any(one in reason for one in missing):
                refused.append(f"{case.get('classname')}::{case.get('name')}: {reason}")
    return refused


def main() -> int:
    refused = list_refused(
        Path(sys.argv[1]),
        has_postgres=postgres.can_run(),
        has_mail_servers=mail_servers.can_run(),
    )
    for line in refused:
        sys.stderr.write(f"skipped: {line}\n")
    if refused:
        sys.stderr.write(f"{len(refused)} tests were skipped; that is a failure here.\n")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
