from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.transport import Journal, Outcome, OutcomeKind
from mailer.transport.letters import Refusal
from mailer.transport.reporting import Reporter

UNSENT = Outcome(
    key="d1",
    kind=OutcomeKind.UNSENT,
    code=None,
    enhanced=None,
    text="",
    relay="mx.test:25",
    at=datetime(2026, 11, 23, tzinfo=UTC),
    stage="body",
    tls=False,
)


def events(directory: Path) -> list[str]:
    lines = (directory / "worker-1.journal").read_text().splitlines()
    return ["".join(line.split("\t")[:2]) for line in lines]


@pytest.mark.requirement("E-093")
def test_a_mail_that_is_tried_again_is_noted_again(journal: Journal, tmp_path: Path) -> None:
    reporter = Reporter(journal, lambda _: None, "mx.test:25")
    assert reporter.note_sent("d1")
    assert reporter.note_sent("d1")
    reporter.report([UNSENT])
    assert reporter.note_sent("d1")
    assert events(tmp_path) == ["Sd1", "Dd1", "Sd1"]


def test_an_outcome_is_noted_before_it_is_told(journal: Journal, tmp_path: Path) -> None:
    seen: list[list[str]] = []
    reporter = Reporter(journal, lambda _: seen.append(events(tmp_path)), "mx.test:25")
    reporter.report([replace(UNSENT, kind=OutcomeKind.ACCEPTED, code=250)])
    assert seen == [["Dd1"]]


def test_an_outcome_that_cannot_be_noted_is_told_nevertheless(journal: Journal) -> None:
    told: list[Outcome] = []
    reporter = Reporter(journal, told.append, "mx.test:25")
    journal.close()
    assert not reporter.note_sent("d1")
    reporter.refuse("d2", Refusal(553, "5.6.7", "no"), tls=True)
    assert [outcome.key for outcome in told] == ["d2"]
    assert reporter.error is not None
