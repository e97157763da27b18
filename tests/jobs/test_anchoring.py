"""The log keeper asks a real witness and a real authority about what it signed, and never waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import transparency
from mailer.foundation import context
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.setting_entries import WitnessAddress
from mailer.foundation.settings import Settings
from mailer.jobs.anchoring import AnchorKeeper
from mailer.transparency import AnchorState, Checkpoint
from tests.conftest import environ_for
from tests.support.keeping import keep, queue_leaves
from tests.support.odd_witness import OddWitness, Says, note_of
from tests.support.waiting import wait_for
from tests.support.witnesses import NAME, run_witness
from tests.support.worker_process import WorkerProcess

pytestmark = pytest.mark.requirement("T-030")


@pytest.fixture
def anchors(app: Flask) -> Iterator[AnchorKeeper]:
    """A keeper of anchors whose turns the test takes itself."""
    keeper = AnchorKeeper()
    yield keeper
    keeper.close()


@pytest.fixture
def use(app: Flask) -> Callable[..., Settings]:
    """Change the settings of the application that runs here."""

    def change(**changes: Any) -> Settings:
        changed = replace(context.settings(), **changes)
        context.extensions()[context.KEY] = changed
        return changed

    return change


@pytest.fixture
def sign(app: Flask, settings: Settings) -> Callable[[str], Checkpoint]:
    """Have a leaf of this name under a new checkpoint."""

    def sign_over(name: str) -> Checkpoint:
        queue_leaves(None, name)
        return keep(settings)

    return sign_over


def answered(anchors: AnchorKeeper, count: int = 1) -> None:
    """Take turns until so many answers are written down."""
    seen: list[int] = []
    wait_for(lambda: seen.append(anchors.turn()) or sum(seen) >= count)
    db.session.rollback()


def forget_pauses() -> None:
    """As if the pause after a failure were over."""
    with unit_of_work():
        db.session.execute(sa.text("UPDATE log_anchors SET next_try_at = NULL"))


def state() -> AnchorState:
    db.session.rollback()
    (only,) = transparency.list_anchors()
    return only


def cosigning(witness: OddWitness) -> OddWitness:
    witness.says = lambda request: witness.cosigns(note_of(request), int(time.time()))
    return witness


@pytest.mark.requirement("T-020")
def test_a_witness_elsewhere_cosigns_what_the_log_signs(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., Settings],
    tmp_path: Path,
) -> None:
    first = sign("lea_first")
    assert not transparency.is_anchored_outside()
    waiting = transparency.anchoring_of("lea_first")
    assert (waiting.position, waiting.is_anchored) == (0, False)
    (vkey,) = transparency.log_vkeys()
    with run_witness(tmp_path / "witness", vkey) as witness:
        use(log_witnesses=(WitnessAddress(NAME, witness.vkey, witness.url),))
        answered(anchors)
        second = sign("lea_second")
        answered(anchors)
    for checkpoint in (first, second):
        published = transparency.published_note(checkpoint)
        assert published.startswith(checkpoint.note + f"— {NAME} ")
        (cosigned,) = transparency.anchors_of(checkpoint).witnesses
        assert cosigned.name == NAME
        assert abs(cosigned.at - datetime.now(UTC)) < timedelta(minutes=1)
    anchoring = transparency.anchoring_of("lea_second")
    assert (anchoring.checkpoint, anchoring.is_anchored) == (second, True)
    assert transparency.anchoring_of("lea_first").checkpoint == first
    assert transparency.find_newest_anchored_checkpoint() == second
    assert transparency.is_anchored_outside()
    assert (state().failure, state().answered_at is None) == ("", False)
    assert anchors.turn() == 0


def test_a_witness_that_knows_another_size_is_asked_again_at_once(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., Settings],
    tmp_path: Path,
) -> None:
    """As after a database that came back from a backup, or a witness that did."""
    sign("lea_first")
    (vkey,) = transparency.log_vkeys()
    with run_witness(tmp_path / "witness", vkey) as witness:
        use(log_witnesses=(WitnessAddress(NAME, witness.vkey, witness.url),))
        answered(anchors)
        with unit_of_work():
            db.session.execute(sa.text("DELETE FROM log_anchors"))
        newest = sign("lea_second")
        answered(anchors, 2)
    assert len(transparency.anchors_of(newest).witnesses) == 1
    assert state().failure == ""


def test_a_witness_that_is_down_is_asked_again_later_and_said_to_be_down(
    sign: Callable[[str], Checkpoint], anchors: AnchorKeeper, use: Callable[..., Settings]
) -> None:
    newest = sign("lea_first")
    witness = cosigning(OddWitness())
    use(log_witnesses=(replace_url(witness.address, "http://127.0.0.1:9"),))
    answered(anchors)
    down = state()
    assert down.failure.startswith("It cannot be reached")
    assert down.failing_since is not None
    assert [anchors.turn() for _ in range(3)] == [0, 0, 0]
    assert not transparency.is_anchored_outside()
    forget_pauses()
    answered(anchors)
    assert state().failing_since == down.failing_since
    with witness.listening():
        use(log_witnesses=(witness.address,))
        forget_pauses()
        answered(anchors)
    assert (state().failure, state().failing_since) == ("", None)
    assert transparency.anchors_of(newest).is_enough


def replace_url(address: WitnessAddress, url: str) -> WitnessAddress:
    return address._replace(url=url)


def test_the_pauses_grow_up_to_ten_minutes(
    sign: Callable[[str], Checkpoint], anchors: AnchorKeeper, use: Callable[..., Settings]
) -> None:
    sign("lea_first")
    use(log_witnesses=(replace_url(OddWitness().address, "http://127.0.0.1:9"),))
    pauses = []
    for _ in range(9):
        answered(anchors)
        failed = state()
        assert failed.next_try_at is not None
        assert failed.asked_at is not None
        pauses.append(round((failed.next_try_at - failed.asked_at).total_seconds()))
        forget_pauses()
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]


@pytest.mark.parametrize(
    ("size", "said"),
    [(b"99\n", "Either it is wrong, or the log was set back"), (b"0\n", "two histories")],
)
def test_a_witness_that_lies_about_its_size_stops_nothing(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., Settings],
    size: bytes,
    said: str,
) -> None:
    sign("lea_first")
    with OddWitness(says=lambda _: Says(409, size, "text/x.tlog.size")).listening() as witness:
        use(log_witnesses=(witness.address,))
        answered(anchors)
        assert said in state().failure
        assert sign("lea_second").size == 3
        forget_pauses()
        answered(anchors)
        assert said in state().failure
    assert not transparency.is_anchored_outside()


def test_a_witness_that_names_ever_other_sizes_is_not_asked_without_end(
    sign: Callable[[str], Checkpoint], anchors: AnchorKeeper, use: Callable[..., Settings]
) -> None:
    sign("lea_first")
    sizes = iter([b"1\n", b"0\n"] * 50)
    with OddWitness(
        says=lambda _: Says(409, next(sizes), "text/x.tlog.size")
    ).listening() as witness:
        use(log_witnesses=(witness.address,))
        answered(anchors, 2)
        assert "another size than it named" in state().failure
        assert [anchors.turn() for _ in range(5)] == [0] * 5
        assert len(witness.requests) == 2


def test_a_bad_signature_is_neither_kept_nor_published(
    sign: Callable[[str], Checkpoint], anchors: AnchorKeeper, use: Callable[..., Settings]
) -> None:
    newest = sign("lea_first")
    witness = OddWitness()
    witness.says = lambda _: witness.cosigns("other\n9\nroot\n\n-", int(time.time()))
    with witness.listening():
        use(log_witnesses=(witness.address,))
        answered(anchors)
    assert "not its signature over this note" in state().failure
    assert transparency.published_note(newest) == newest.note


def test_it_takes_as_many_witnesses_as_the_quorum_says(
    sign: Callable[[str], Checkpoint], anchors: AnchorKeeper, use: Callable[..., Settings]
) -> None:
    newest = sign("lea_first")
    good = [cosigning(OddWitness(name=f"w{number}.example/w")) for number in range(2)]
    down = replace_url(OddWitness(name="down.example/w").address, "http://127.0.0.1:9")
    with good[0].listening(), good[1].listening():
        use(log_witnesses=(down, good[0].address, good[1].address), log_quorum="all")
        answered(anchors, 3)
    assert not transparency.is_anchored_outside()
    assert [one.name for one in transparency.anchors_of(newest).witnesses] != []
    use(log_quorum="3")
    assert not transparency.anchors_of(newest).is_enough
    use(log_quorum="")
    assert transparency.quorum() == 2
    assert transparency.anchors_of(newest).is_enough
    assert transparency.is_anchored_outside()
    failing = {one.name: one.failure != "" for one in transparency.list_anchors()}
    assert failing == {"down.example/w": True, "w0.example/w": False, "w1.example/w": False}
    use(log_witnesses=(down,))
    assert not transparency.is_anchored_outside()


def test_a_silent_witness_does_not_hold_up_the_log(
    tmp_path: Path, database_url: str, app: Flask
) -> None:
    """A process of its own, whose witness takes every request and never answers."""
    with OddWitness(is_silent=True).listening() as witness:
        environ = environ_for(
            tmp_path,
            MAILER_DATABASE_URL=database_url,
            MAILER_LOG_SECONDS="1",
            MAILER_LOG_WITNESSES=witness.setting,
        )
        with WorkerProcess(environ, "--log", log=tmp_path / "worker.log"):
            for size in (2, 3, 4):
                queue_leaves(None, f"lea_{size}")
                wait_for(lambda size=size: size_of_newest() == size)
            assert len(witness.requests) == 1


def size_of_newest() -> int:
    db.session.rollback()
    newest = transparency.find_latest_checkpoint()
    return newest.size if newest else 0
