from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer.foundation.database import db, unit_of_work
from mailer.foundation.paging import PAGE_SIZE, Cursor, Page, page_of
from tests.foundation.things import Apart, Thing


@pytest.fixture(autouse=True)
def table(app: Flask) -> Flask:
    with db.engine.connect().execution_options(write=True) as connection, connection.begin():
        Apart.metadata.create_all(connection)
    return app


def make(*numbers: int) -> None:
    with unit_of_work() as session:
        for number in numbers:
            session.add(Thing(public_id=f"t{number}"))
            session.flush()


def page(*, older: str | None = None, newer: str | None = None, size: int = 3) -> Page[Thing]:
    return page_of(sa.select(Thing), Thing, Cursor(older, newer), size=size)


def ids(found: Page[Thing]) -> list[str]:
    return [thing.public_id for thing in found.rows]


def test_the_first_page_shows_the_newest() -> None:
    make(*range(1, 8))
    first = page()
    assert ids(first) == ["t7", "t6", "t5"]
    assert (first.newer, first.older) == (None, "t5")


def test_walking_down_and_up_again_meets_everybody_once() -> None:
    make(*range(1, 8))
    pages = [page()]
    while pages[-1].older:
        pages.append(page(older=pages[-1].older))
    assert [ids(found) for found in pages] == [["t7", "t6", "t5"], ["t4", "t3", "t2"], ["t1"]]
    up = page(newer=pages[2].newer)
    assert ids(up) == ["t4", "t3", "t2"]
    top = page(newer=up.newer)
    assert ids(top) == ["t7", "t6", "t5"]
    assert (top.newer, top.older) == (None, "t5")


def test_rows_that_come_meanwhile_move_nothing() -> None:
    make(1, 2, 3, 4, 5, 6)
    first = page()
    make(7, 8)
    assert ids(page(older=first.older)) == ["t3", "t2", "t1"]
    newer = page(newer="t6")
    assert ids(newer) == ["t8", "t7"]
    assert (newer.newer, newer.older) == (None, "t7")


def test_a_row_that_goes_meanwhile_moves_nothing() -> None:
    make(1, 2, 3, 4, 5, 6)
    with unit_of_work() as session:
        session.execute(sa.delete(Thing).where(Thing.public_id == "t5"))
    assert ids(page(older="t4")) == ["t3", "t2", "t1"]


@pytest.mark.parametrize("cursor", ["gone", "", "' OR 1=1 --", "\u2028", "t" * 10_000])
def test_a_cursor_that_points_to_nothing_gives_the_first_page(cursor: str) -> None:
    make(1, 2, 3, 4)
    for found in (page(older=cursor), page(newer=cursor)):
        assert ids(found) == ["t4", "t3", "t2"]
        assert (found.newer, found.older) == (None, "t2")


def test_beyond_either_end_is_the_first_page_again() -> None:
    make(1, 2)
    assert ids(page(older="t1")) == ["t2", "t1"]
    assert ids(page(newer="t2")) == ["t2", "t1"]


def test_exactly_one_page_has_no_neighbours() -> None:
    make(1, 2, 3)
    found = page()
    assert (found.newer, found.older) == (None, None)


def test_nothing_is_one_empty_page() -> None:
    assert page() == Page(rows=[], older=None, newer=None)


def test_a_page_is_fifty_rows_unless_told() -> None:
    make(*range(PAGE_SIZE + 1))
    assert len(page_of(sa.select(Thing), Thing, Cursor()).rows) == PAGE_SIZE == 50


def test_conditions_of_the_query_hold_on_every_page() -> None:
    make(*range(1, 8))
    query = sa.select(Thing).where(Thing.public_id.in_(["t1", "t3", "t5", "t7"]))
    found = page_of(query, Thing, Cursor(older_than="t5"), size=3)
    assert ids(found) == ["t3", "t1"]
