"""Leaves get positions without gaps, and no record can exist without a leaf."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from mailer import consent, transparency
from mailer.consent import TRACKING
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import NotAllowed, NotFound
from mailer.organisations import Organisation
from mailer.transparency import Leaf
from tests.support.factories import make_organisation
from tests.transparency import naive

pytestmark = pytest.mark.requirement("T-011")


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


def queue(organisation: Organisation | None, *names: str) -> None:
    with unit_of_work():
        for name in names:
            transparency.queue_leaf(
                organisation,
                kind="key",
                public_id=name,
                algorithm="sha256",
                commitment=hashlib.sha256(name.encode()).digest(),
                happened_at=now(),
            )


def sequence(limit: int = 1_000) -> int:
    with unit_of_work():
        return transparency.sequence(limit)


def refused(statement: str) -> str:
    db.session.rollback()
    with pytest.raises(DBAPIError) as caught, unit_of_work():
        db.session.execute(sa.text(statement))
    return str(caught.value.orig)


def test_a_record_has_its_leaf_in_the_same_transaction(organisation: Organisation) -> None:
    with unit_of_work():
        subject = consent.create_subject(organisation)
        record = consent.record_refused(subject, TRACKING, {})
        assert transparency.count_waiting().count == 1
    assert sequence() == 1
    position = transparency.find_position(record.public_id)
    assert position == 0
    assert transparency.read_leaf(transparency.get_leaf(position)) == Leaf(
        kind="consent",
        organisation=organisation.log_pseudonym,
        public_id=record.public_id,
        time=transparency.time_of(record.recorded_at),
        algorithm=record.algorithm,
        commitment=record.commitment,
    )
    assert transparency.count_waiting().count == 0


def test_what_is_rolled_back_leaves_no_leaf(organisation: Organisation) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        consent.record_refused(consent.create_subject(organisation), TRACKING, {})
        raise ZeroDivisionError
    assert transparency.count_waiting().count == 0
    assert sequence() == 0


def test_positions_are_contiguous_and_the_tree_is_that_of_the_rfc(
    organisation: Organisation,
) -> None:
    names = [f"lea_{number}" for number in range(700)]
    queue(organisation, *names[:300])
    assert sequence(limit=250) == 250
    assert sequence(limit=250) == 50
    queue(None, *names[300:])
    assert sequence() == 400
    assert sequence() == 0
    leaves = transparency.list_leaves(0, 10_000)
    assert [transparency.find_position(name) for name in names] == list(range(700))
    assert [transparency.read_leaf(leaf).public_id for leaf in leaves] == names
    for size in (0, 1, 255, 256, 257, 300, 512, 700):
        assert transparency.root_at(size) == naive.root(leaves[:size])
    with pytest.raises(NotFound):
        transparency.root_at(701)


@pytest.mark.requirement("T-010")
def test_proofs_read_few_tiles_and_are_those_of_the_rfc(organisation: Organisation) -> None:
    queue(organisation, *(f"lea_{number}" for number in range(600)))
    sequence()
    leaves = transparency.list_leaves(0, 600)
    for position, size in ((0, 600), (599, 600), (255, 300), (256, 257), (300, 512), (17, 18)):
        reader = transparency.TreeReader()
        proof = transparency.inclusion_proof(position, size, reader)
        assert proof == naive.path(position, leaves[:size])
        assert reader.count <= 2 * 2
    for old, new in ((1, 600), (256, 600), (255, 512), (300, 301), (599, 600)):
        reader = transparency.TreeReader()
        proof = transparency.consistency_proof(old, new, reader)
        assert proof == naive.proof(old, leaves[:new])
        assert reader.count <= 2 * 2
    with pytest.raises(NotFound):
        transparency.inclusion_proof(0, 5_000)


def test_a_leaf_is_logged_once(organisation: Organisation) -> None:
    queue(organisation, "lea_one")
    with pytest.raises(NotAllowed):
        queue(organisation, "lea_one")
    sequence()
    with pytest.raises(NotAllowed):
        queue(organisation, "lea_one")


@pytest.mark.requirement("T-012")
def test_the_database_refuses_to_rewrite_the_log(organisation: Organisation) -> None:
    queue(organisation, *(f"lea_{number}" for number in range(3)))
    assert "only into the log" in refused("DELETE FROM log_queue")
    assert "append-only" in refused("UPDATE log_queue SET kind = 'other'")
    sequence()
    for table in ("log_entries", "log_tiles"):
        assert "append-only" in refused(f"DELETE FROM {table}")
    assert "append-only" in refused("UPDATE log_entries SET public_id = 'lea_other'")
    assert "next position" in refused(
        "INSERT INTO log_entries (position, public_id, leaf) VALUES (4, 'lea_gap', '')"
    )
    assert "only grows" in refused("UPDATE log_tiles SET hashes = leaf FROM log_entries")
    if db.engine.dialect.name == "postgresql":
        assert "append-only" in refused("TRUNCATE log_entries")
        assert "append-only" in refused("TRUNCATE log_queue")
    else:
        refused("INSERT OR REPLACE INTO log_entries SELECT * FROM log_entries")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_late_commit_is_not_missed(organisation: Organisation) -> None:
    """A row with a smaller id may become visible after one with a larger id; SQLite has one writer."""
    late = db.engine.connect()
    late.execute(
        sa.text(
            "INSERT INTO log_queue (kind, public_id, algorithm, commitment, happened_at) "
            "VALUES ('key', 'lea_late', 'sha256', '\\x00', now())"
        )
    )
    queue(organisation, "lea_early")
    assert sequence() == 1
    late.commit()
    late.close()
    assert sequence() == 1
    assert transparency.find_position("lea_late") == 1


def test_two_sequencers_at_once_give_no_position_twice(
    app: Flask, organisation: Organisation
) -> None:
    names = [f"lea_{number}" for number in range(120)]
    queue(organisation, *names)

    def work() -> int:
        with app.app_context():
            count = 0
            while done := sequence(limit=7):
                count += done
            return count

    with ThreadPoolExecutor(2) as threads:
        counts = [one.result(timeout=60) for one in [threads.submit(work) for _ in range(2)]]
    db.session.rollback()
    assert sum(counts) == len(names)
    leaves = transparency.list_leaves(0, 1_000)
    assert [transparency.read_leaf(leaf).public_id for leaf in leaves] == names
    assert transparency.root_at(len(names)) == naive.root(leaves)
