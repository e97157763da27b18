"""The log keeper has its checkpoints stamped by an authority, and stamps renewed before they end."""

from __future__ import annotations

import hashlib
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
from mailer.foundation.settings import Settings
from mailer.jobs.anchoring import AnchorKeeper
from mailer.transparency import Checkpoint
from tests.support.keeping import keep, queue_leaves
from tests.support.time_authority import POLICY, TimeAuthority, imprint_of
from tests.support.waiting import wait_for

pytestmark = pytest.mark.requirement("T-032")


@pytest.fixture
def authority() -> TimeAuthority:
    return TimeAuthority()


@pytest.fixture
def anchors(app: Flask) -> Iterator[AnchorKeeper]:
    keeper = AnchorKeeper()
    yield keeper
    keeper.close()


@pytest.fixture
def use(app: Flask, authority: TimeAuthority, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Configure the authority, each checkpoint stamped, and whatever else is given."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.roots_pem)
    with authority.serve() as url:

        def change(**changes: Any) -> None:
            chosen = {"tsa_url": url, "tsa_roots": roots, "tsa_minutes": 0, **changes}
            context.extensions()[context.KEY] = replace(context.settings(), **chosen)

        change()
        yield change


@pytest.fixture
def sign(app: Flask, settings: Settings) -> Callable[[str], Checkpoint]:
    """Have a leaf of this name under a new checkpoint."""

    def sign_over(name: str) -> Checkpoint:
        queue_leaves(None, name)
        return keep(settings)

    return sign_over


def answered(anchors: AnchorKeeper) -> None:
    """Take turns until an answer is written down."""
    wait_for(anchors.turn)
    db.session.rollback()


def failure() -> str:
    db.session.rollback()
    (only,) = transparency.list_anchors()
    return only.failure


def forget_pauses() -> None:
    with unit_of_work():
        db.session.execute(sa.text("UPDATE log_anchors SET next_try_at = NULL"))


@pytest.mark.requirement("T-031")
def test_the_exact_bytes_of_a_signed_note_are_stamped_and_the_chain_is_kept(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., None],
    authority: TimeAuthority,
) -> None:
    use(tsa_policy=POLICY)
    newest = sign("lea_first")
    answered(anchors)
    (request,) = authority.requests
    assert imprint_of(request) == hashlib.sha256(newest.note.encode()).digest()
    (stamp,) = transparency.timestamps_of(newest)
    assert stamp.chain.count(b"BEGIN CERTIFICATE") == 3
    assert stamp.renews is None
    again = transparency.verify_stamp(
        stamp.token, newest.note.encode(), [authority.root], policy=POLICY
    )
    assert (again.gen_time, again.expires_at) == (stamp.gen_time, stamp.expires_at)
    assert transparency.anchors_of(newest).is_enough
    assert transparency.is_anchored_outside()
    assert transparency.anchoring_of("lea_first").timestamps == (stamp,)
    assert anchors.turn() == 0


@pytest.mark.requirement("T-030")
def test_cosignatures_that_come_later_do_not_change_what_was_stamped(
    sign: Callable[[str], Checkpoint], anchors: AnchorKeeper, use: Callable[..., None]
) -> None:
    newest = sign("lea_first")
    answered(anchors)
    (stamp,) = transparency.timestamps_of(newest)
    published = transparency.published_note(newest)
    assert published.startswith(newest.note)
    assert stamp.token


def test_stamps_lie_apart_as_far_as_the_setting_says(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., None],
    authority: TimeAuthority,
) -> None:
    use(tsa_minutes=60)
    first = sign("lea_first")
    answered(anchors)
    second = sign("lea_second")
    assert [anchors.turn() for _ in range(3)] == [0, 0, 0]
    assert transparency.anchoring_of("lea_second").checkpoint is None
    use(tsa_minutes=0)
    answered(anchors)
    assert [len(transparency.timestamps_of(one)) for one in (first, second)] == [1, 1]
    assert len(authority.requests) == 2


def test_an_authority_that_fails_is_told_and_asked_again(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., None],
    authority: TimeAuthority,
) -> None:
    newest = sign("lea_first")
    authority.with_faults(nonce=7)
    answered(anchors)
    assert "nonce is not ours" in failure()
    assert not transparency.is_anchored_outside()
    assert transparency.timestamps_of(newest) == []
    authority.with_faults()
    assert anchors.turn() == 0
    forget_pauses()
    answered(anchors)
    assert failure() == ""
    assert len(transparency.timestamps_of(newest)) == 1


def test_roots_that_cannot_be_read_stop_the_stamping_and_nothing_else(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., None],
    tmp_path: Path,
) -> None:
    sign("lea_first")
    use(tsa_roots=tmp_path / "missing.pem")
    answered(anchors)
    assert "MAILER_TSA_ROOTS" in failure()
    assert sign("lea_second").size == 3


def test_a_stamp_is_renewed_before_its_certificate_ends(
    sign: Callable[[str], Checkpoint],
    anchors: AnchorKeeper,
    use: Callable[..., None],
    authority: TimeAuthority,
) -> None:
    """The new stamp is over the old token, so the old time stays proven."""
    authority.change_signer(days=10)
    first = sign("lea_first")
    answered(anchors)
    assert "Its certificates end on" in failure()
    assert [anchors.turn() for _ in range(3)] == [0, 0, 0]

    authority.change_signer(days=900)
    sign("lea_second")
    answered(anchors)
    answered(anchors)
    assert failure() == ""
    old, renewed = transparency.timestamps_of(first)
    assert renewed.renews == old
    assert renewed.expires_at > datetime.now(UTC) + timedelta(days=800)
    assert imprint_of(authority.requests[-1]) == hashlib.sha256(old.token).digest()
    transparency.verify_stamp(renewed.token, old.token, [authority.root])
    assert [anchors.turn() for _ in range(3)] == [0, 0, 0]


def test_what_was_stamped_cannot_be_changed_or_deleted(
    sign: Callable[[str], Checkpoint], anchors: AnchorKeeper, use: Callable[..., None]
) -> None:
    sign("lea_first")
    answered(anchors)
    for statement in (
        "UPDATE log_timestamps SET authority = 'x'",
        "DELETE FROM log_timestamps",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), unit_of_work():
            db.session.execute(sa.text(statement))
