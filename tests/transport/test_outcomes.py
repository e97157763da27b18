from __future__ import annotations

import pytest

from mailer.transport.outcomes import Onward, OutcomeKind, Stage, judge


@pytest.mark.parametrize(
    ("stage", "code", "verdict"),
    [
        ("body", 250, OutcomeKind.ACCEPTED),
        ("body", 451, OutcomeKind.DEFERRED),
        ("body", 554, OutcomeKind.REFUSED),
        ("rcpt", 250, Onward.GO_ON),
        ("rcpt", 251, Onward.GO_ON),
        ("rcpt", 450, OutcomeKind.DEFERRED),
        ("rcpt", 550, OutcomeKind.REFUSED),
        ("mail", 250, Onward.GO_ON),
        ("mail", 452, OutcomeKind.UNSENT),
        ("mail", 550, OutcomeKind.REFUSED),
        ("mail", 530, OutcomeKind.UNSENT),
        ("rcpt", 530, OutcomeKind.UNSENT),
        ("data", 354, Onward.GO_ON),
        ("data", 451, OutcomeKind.DEFERRED),
        ("data", 554, OutcomeKind.REFUSED),
        ("data", 250, Onward.NONSENSE),
        ("body", 354, Onward.NONSENSE),
        ("rcpt", 354, Onward.NONSENSE),
    ],
)
def test_the_table_says_what_a_reply_means(
    stage: Stage, code: int, verdict: OutcomeKind | Onward
) -> None:
    assert judge(stage, code) is verdict
