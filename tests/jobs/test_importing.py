"""Imports in real worker processes, which are killed in the middle."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mailer import imports
from mailer.consent import ConsentRecord
from mailer.contacts import Contact
from mailer.foundation.database import db, unit_of_work
from mailer.imports import Import, ImportRow, ImportState, RowState
from tests.jobs.conftest import RealParts
from tests.support.make_audience import make_people
from tests.support.making_imports import EVIDENCE, PROVEN, again, bring, csv_of, mapping_of
from tests.support.waiting import wait_for

ROWS = 8_000


def count(model: type[object], *where: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*where)) or 0


def has(found: Import, state: ImportState) -> bool:
    db.session.rollback()
    return again(found).state is state


def begin(service: RealParts, rows: int) -> Import:
    body = csv_of(*(f"p{number}@shop.example.org,Pat" for number in range(rows)))
    found = bring(service.mailing_list, body)
    with unit_of_work():
        found = again(found)
        imports.check(found, mapping_of(found, EVIDENCE, **PROVEN))
    return found


@pytest.mark.requirement("C-049")
def test_a_worker_that_is_killed_in_the_middle_loses_no_row_and_doubles_none(
    service: RealParts,
) -> None:
    found = begin(service, ROWS)

    def some_are_read() -> bool:
        db.session.rollback()
        return again(found).rows_read > 0

    with service.worker("--queue", "upkeep") as first:
        wait_for(some_are_read, timeout=60)
        first.kill()
    assert 0 < again(found).rows_read < ROWS
    with service.worker("--queue", "upkeep") as second:
        wait_for(lambda: has(found, ImportState.CHECKED), timeout=120)
        assert again(found).counts == {"proven": ROWS}
        lines = db.session.scalars(sa.select(ImportRow.line).order_by(ImportRow.line)).all()
        assert lines == list(range(2, ROWS + 2))
        with unit_of_work():
            imports.start(again(found))
        wait_for(lambda: _is_begun(found), timeout=60)
        second.kill()
    assert has(found, ImportState.IMPORTING)
    with service.worker("--queue", "upkeep"):
        wait_for(lambda: has(found, ImportState.DONE), timeout=180)
    assert again(found).counts == {"imported": ROWS}
    assert count(Contact) == count(ConsentRecord) == ROWS
    assert count(ImportRow, ImportRow.state == RowState.IMPORTED) == ROWS


def test_permission_mails_go_out_through_the_workers_and_their_bytes_are_kept(
    service: RealParts,
) -> None:
    body = csv_of("cleo@example.org,Cleo")
    found = bring(service.mailing_list, body)
    with unit_of_work():
        found = again(found)
        imports.check(found, mapping_of(found))
    with service.worker("--queue", "upkeep"), service.worker("--queue", "first"):
        wait_for(lambda: has(found, ImportState.CHECKED), timeout=60)
        with unit_of_work():
            imports.start(again(found))
        wait_for(lambda: has(found, ImportState.DONE), timeout=60)
        assert service.received == []
        with unit_of_work():
            imports.ask(again(found))
        wait_for(lambda: service.received == ["cleo@example.org"], timeout=60)
        wait_for(_has_evidence, timeout=60)


def _is_begun(found: Import) -> bool:
    db.session.rollback()
    return bool(again(found).counts.get("imported"))


def _has_evidence() -> bool:
    db.session.rollback()
    db.session.expire_all()
    row = db.session.scalars(sa.select(ImportRow)).one()
    return row.mail_evidence is not None and row.mail_evidence["outcome"] == "accepted"


def test_somebody_signs_up_while_a_file_of_empty_rows_is_being_read(service: RealParts) -> None:
    body = csv_of("cleo@example.org,Cleo", *[","] * 400_000)
    found = bring(service.mailing_list, body)
    with unit_of_work():
        imports.check(again(found), mapping_of(again(found)))
    with service.worker("--queue", "upkeep"):
        wait_for(lambda: _has_moved(found), timeout=60)
        make_people(service.mailing_list, 1)
        assert not has(found, ImportState.CHECKED)  # written before the file was read to its end
        wait_for(lambda: has(found, ImportState.CHECKED), timeout=120)
    assert again(found).rows_read == 1
    assert again(found).counts == {"unproven": 1, "empty": 400_000}


def _has_moved(found: Import) -> bool:
    db.session.rollback()
    return int(again(found).counts.get("empty", 0)) > 0
