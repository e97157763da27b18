from __future__ import annotations

import re

import pytest

from mailer.foundation.ids import new_id


@pytest.mark.requirement("S-001")
def test_an_id_says_what_it_is_and_cannot_be_guessed() -> None:
    # 22 characters of base64 are 128 bits; queues and paths take nothing else.
    ids = {new_id("con") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"con_[A-Za-z0-9_-]{22}", public_id) for public_id in ids)
