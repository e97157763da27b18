from __future__ import annotations

import re

import pytest

from mailer.foundation.ids import new_id
from tests.support.waiting import wait_for


@pytest.mark.requirement("S-001")
def test_an_id_says_what_it_is_and_cannot_be_guessed() -> None:
    # 22 characters of base64 are 128 bits; queues and paths take nothing else.
    ids = {new_id("con") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"con_[A-Za-z0-9_-]{22}", public_id) for public_id in ids)
    # What is an id's own has no pattern: in each place nearly all of the 64 marks turn up.
    assert all(len({public_id[place] for public_id in ids}) > 50 for place in range(8, 25))


def test_ids_made_together_lie_together_and_later_ones_elsewhere() -> None:
    """One page of an index takes them all, whatever else it holds."""
    beginnings = [new_id("con")[4:8] for _ in range(200)]
    assert len(set(beginnings)) <= 3  # a slow machine may take longer than an era
    wait_for(lambda: new_id("con")[4:8] not in beginnings, timeout=5)
    assert new_id("sub")[4:8] != beginnings[0]
