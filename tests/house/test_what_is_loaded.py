"""Each kind of process loads the code it works with: it is most of the memory that a worker holds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mailer.foundation.queue import BULK, FIRST, QUEUES, UPKEEP
from mailer.jobs.duties import duties_of
from tests.house.sources import ROOT

LOAD = """
import json, sys
import worker
from mailer.jobs.duties import duties_of
duties_of(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
PAGES = frozenset({"mailer.app", "mailer.web"})
# What has no part in sending a campaign, and libraries that only it uses.
IDLE_IN_BULK = PAGES | {
    "dns",
    "mailer.imports",
    "mailer.proofs",
    "mailer.receipts",
    "mailer.rights",
    "mailer.selfaudit",
    "mailer.signup",
    "mailer.transparency",
    "rfc3161_client",
}


def loaded(queue_name: str) -> set[str]:
    """The modules in a worker of this queue that is ready to work."""
    ran = subprocess.run(
        [sys.executable, "-c", LOAD, queue_name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ran.stdout))


@pytest.mark.parametrize(
    ("queue_name", "idle"),
    [(BULK, IDLE_IN_BULK), (FIRST, PAGES), (UPKEEP, PAGES)],
)
def test_a_worker_loads_what_its_queue_needs_and_no_more(
    queue_name: str, idle: frozenset[str]
) -> None:
    found = loaded(queue_name)
    assert "mailer.jobs.working" in found
    assert not found & idle


@pytest.mark.parametrize("queue_name", QUEUES)
def test_every_queue_has_somebody_who_knows_what_to_do(queue_name: str) -> None:
    duties = duties_of(queue_name)
    assert duties.settlers
    assert callable(duties.looking(0))
