from __future__ import annotations

from itertools import product

import pytest

from mailer.campaigns.states import TRANSITIONS, CampaignState, Step, move
from mailer.foundation.errors import NotAllowed


def test_every_step_in_the_table_is_taken_and_every_other_refused() -> None:
    for state, step in product(CampaignState, Step):
        if (state, step) in TRANSITIONS:
            assert move(state, step) is TRANSITIONS[state, step]
        else:
            with pytest.raises(NotAllowed):
                move(state, step)


def test_what_is_cancelled_stays_so_and_what_is_sent_only_goes_on_sending() -> None:
    assert CampaignState.CANCELLED not in {state for state, _ in TRANSITIONS}
    assert {step for state, step in TRANSITIONS if state is CampaignState.SENT} == {Step.REOPEN}
