"""The pace of a relay is found by its own answers; time is counted, not waited for."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mailer.delivery.relay_pace import LONGEST_REST, RelayPace

STEP = 0.02


def _send(pace: RelayPace, seconds: float, a_second: float, start: float = 0.0) -> tuple[int, int]:
    """How many mails a relay with a limit takes and puts off when each is answered at once."""
    taken = put_off = 0
    permits, moment = a_second, start
    while moment < start + seconds:
        moment += STEP
        permits = min(a_second, permits + a_second * STEP)
        pace.measure(taken, moment)
        room = pace.room(moment)
        for number in range(40 if room is None else min(room, 40)):
            pace.go(number)
            cuts = pace.landed(number)
            if permits >= 1:
                permits -= 1
                taken += 1
                pace.taken()
            else:
                put_off += 1
                pace.refused(cuts, taken, moment, at_once=False)
                break
    return taken, put_off


@pytest.mark.requirement("E-065")
@pytest.mark.parametrize("a_second", [3.0, 14.0, 90.0])
def test_a_relay_with_a_limit_is_used_up_to_it(a_second: float) -> None:
    pace = RelayPace()
    pace.begin(8, 0.0)
    taken, put_off = _send(pace, 100.0, a_second)
    assert taken > 0.95 * 100 * a_second
    assert put_off < 0.1 * taken


def test_two_workers_share_a_limit_that_neither_knows() -> None:
    paces = [RelayPace(), RelayPace()]
    for pace in paces:
        pace.begin(8, 0.0)
    permits, taken, moment = 14.0, [0, 0], 0.0
    while moment < 120.0:
        moment += STEP
        permits = min(14.0, permits + 14 * STEP)
        for which, pace in enumerate(paces):
            room = pace.room(moment)
            for number in range(40 if room is None else room):
                pace.go(number)
                cuts = pace.landed(number)
                if permits < 1:
                    pace.refused(cuts, taken[which], moment, at_once=False)
                    break
                permits -= 1
                taken[which] += 1
                pace.taken()
    assert sum(taken) > 0.93 * 120 * 14
    assert min(taken) > 0.2 * sum(taken)


def test_a_relay_that_takes_nothing_is_left_alone_for_longer_each_time() -> None:
    pace = RelayPace()
    pace.begin(8, 0.0)
    tries, moment = [], 0.0
    while moment < 300.0:
        moment += STEP
        if pace.room(moment) != 0:
            tries.append(moment)
            pace.go(1)
            pace.refused(pace.landed(1), 0, moment, at_once=False)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert len(tries) < 25
    assert LONGEST_REST <= gaps[-1] < LONGEST_REST + 1
    pace.taken()
    assert pace.nothing_since is None


def test_after_a_quiet_minute_nothing_is_held_back() -> None:
    pace = RelayPace()
    pace.begin(4, 0.0)
    pace.refused(0, 0, 1.0, at_once=True)
    assert pace.room(2.0) == 3
    pace.taken()
    pace.measure(1, 62.0)
    assert pace.room(62.0) is None
    assert pace.is_free


def test_what_was_on_its_way_before_a_cut_cuts_no_further() -> None:
    pace = RelayPace()
    pace.begin(8, 0.0)
    for number in range(8):
        pace.refused(pace.landed(number), 40, 1.0, at_once=False)
    assert pace.rate == pytest.approx(40.0)
