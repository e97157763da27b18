"""Mailing lists on the team's side."""

from __future__ import annotations

import pytest
from flask import Flask

from mailer import lists, organisations
from mailer.accounts import Role
from mailer.organisations import Organisation
from tests.support.factories import DORA, make_list, make_organisation
from tests.support.make_accounts import TeamClient, make_account, team_client
from tests.support.make_lists import make_purpose, make_sender


@pytest.fixture
def books(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def ben(app: Flask, books: Organisation) -> TeamClient:
    make_account(books)
    return team_client(app, make_account(books, name="Ben", role=Role.EDITOR))


def test_an_editor_makes_a_list(ben: TeamClient, books: Organisation) -> None:
    purpose, sender = make_purpose(books), make_sender(books)
    assert purpose.sentence in ben.get("/admin/lists/new").text
    response = ben.send(
        "/admin/lists/new",
        name="New books",
        frequency="weekly",
        description="What arrived.",
        purpose=purpose.public_id,
        sender=sender.public_id,
        language="de",
    )
    [made] = lists.list_lists(books)
    assert response.location == f"/admin/lists/{made.public_id}"
    page = ben.get(response.location).text
    assert "New books is ready." in page
    assert f"{made.label}.harbourbooks.example" in page
    assert "German" in page
    assert '<html lang="en">' in page
    assert "New books" in ben.get("/admin/lists/").text


def test_what_is_missing_is_marked_and_what_was_given_is_kept(
    ben: TeamClient, books: Organisation
) -> None:
    response = ben.send("/admin/lists/new", name="<New>", language="xx")
    assert response.status_code == 422
    assert 'value="&lt;New&gt;"' in response.text
    for field in ("frequency", "purpose", "sender", "language"):
        assert f'href="#field-{field}"' in response.text
    assert lists.list_lists(books) == []


def test_a_list_changes_its_name_and_keeps_purpose_and_label(
    ben: TeamClient, books: Organisation
) -> None:
    made = make_list(books)
    other = make_purpose(books)
    label, purpose = made.label, made.purpose
    [sender] = organisations.list_senders(books)
    path = f"/admin/lists/{made.public_id}/edit"
    assert made.name in ben.get(path).text
    response = ben.send(
        path,
        name="Quarterly letter",
        frequency="four times a year",
        sender=sender.public_id,
        language="en",
        purpose=other.public_id,
    )
    assert response.status_code == 303
    assert (made.name, made.label, made.purpose) == ("Quarterly letter", label, purpose)
    assert ben.send(path, name="").status_code == 422


def test_archiving_states_the_number_and_asks_for_it(ben: TeamClient, books: Organisation) -> None:
    made = make_list(books)
    path = f"/admin/lists/{made.public_id}"
    assert "Type 0 to confirm" in ben.get(path).text
    ben.send(f"{path}/archive", count="3")
    assert made.archived_at is None
    assert "was not archived" in ben.get(path).text
    ben.send(f"{path}/archive", count="0")
    assert made.archived_at is not None
    assert "Archived" in ben.get("/admin/lists/").text
    assert ben.get(f"{path}/edit").status_code == 409


def test_a_viewer_reads_lists_and_changes_none(app: Flask, books: Organisation) -> None:
    made = make_list(books)
    vera = team_client(app, make_account(books, name="Vera", role=Role.VIEWER))
    page = vera.get(f"/admin/lists/{made.public_id}")
    assert page.status_code == 200
    assert "Archive the list" not in page.text
    assert vera.get("/admin/lists/new").status_code == 403
    assert vera.send(f"/admin/lists/{made.public_id}/archive", count="0").status_code == 403
    assert made.archived_at is None


@pytest.mark.requirement("S-009")
def test_dora_of_another_organisation_sees_and_changes_nothing(
    app: Flask, books: Organisation
) -> None:
    made = make_list(books)
    plants = make_organisation(DORA)
    dora = team_client(app, make_account(plants, name="Dora"))
    path = f"/admin/lists/{made.public_id}"
    assert made.name not in dora.get("/admin/lists/").text
    assert dora.get(path).status_code == 404
    assert dora.get(f"{path}/edit").status_code == 404
    assert dora.send(f"{path}/edit", name="Mine").status_code == 404
    assert dora.send(f"{path}/archive", count="0").status_code == 404
    assert (made.name, made.archived_at) == ("Monthly letter", None)
    borrowed = dora.send(
        "/admin/lists/new",
        name="Mine",
        frequency="weekly",
        language="en",
        purpose=made.purpose.public_id,
        sender=organisations.list_senders(books)[0].public_id,
    )
    assert borrowed.status_code == 422
    assert lists.list_lists(plants) == []
