from __future__ import annotations

import pytest
from flask import Flask

from mailer import accounts
from mailer.foundation.database import unit_of_work
from mailer.foundation.paging import PAGE_SIZE, Cursor
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import make_account


@pytest.mark.requirement("S-010")
def test_what_was_done_is_listed_newest_first_with_who_did_it(app: Flask) -> None:
    books = make_organisation()
    ada = make_account(books)
    with unit_of_work():
        accounts.note(books, ada, "published a form", "frm_1", version=2)
        accounts.note(books, None, "paused a campaign", "cmp_1")
    first, second = accounts.list_audit(books, Cursor()).rows
    assert (first.who, first.entry.action) == ("", "paused a campaign")
    assert (second.who, second.entry.details) == ("Ada", {"version": 2})


def test_pages_follow_one_another(app: Flask) -> None:
    books = make_organisation()
    with unit_of_work():
        for number in range(PAGE_SIZE + 1):
            accounts.note(books, None, f"did {number}", "")
    newest = accounts.list_audit(books, Cursor())
    assert len(newest.rows) == PAGE_SIZE
    assert newest.newer is None
    oldest = accounts.list_audit(books, Cursor(older_than=newest.older))
    assert [line.entry.action for line in oldest.rows] == ["did 0"]
    assert oldest.older is None


@pytest.mark.requirement("S-009")
def test_another_organisation_sees_none_of_it(app: Flask) -> None:
    books = make_organisation()
    with unit_of_work():
        accounts.note(books, None, "did something", "")
    assert not accounts.list_audit(make_organisation(DORA), Cursor()).rows
