"""The team: roles, invitations, history."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import accounts
from mailer.accounts import Role
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.paging import PAGE_SIZE
from mailer.organisations import Organisation
from mailer.transactional import TransactionalMessage
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import TeamClient, make_account, team_client


@pytest.fixture
def books(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def ada(app: Flask, books: Organisation) -> TeamClient:
    return team_client(app, make_account(books))


def path_of(organisation: Organisation, name: str) -> str:
    [found] = [one for one in accounts.list_members(organisation) if one.name == name]
    return f"/admin/team/{found.member.public_id}"


def test_the_team_is_shown_with_what_each_role_may_do(ada: TeamClient, books: Organisation) -> None:
    make_account(books, name="Ben", role=Role.EDITOR)
    page = ada.get("/admin/team/").text
    assert "Ben" in page
    assert "Privacy officer" in page
    assert "Send campaigns" in page


def mailed_link() -> str:
    """The path of the link in the newest mail."""
    mail = db.session.scalars(sa.select(TransactionalMessage)).all()[-1]
    text = message_from_bytes(mail.body or b"", policy=default).get_body(("plain",))
    assert text is not None
    found = re.search(r"https?://[^/]+(/admin/\S+)", text.get_content())
    assert found is not None
    return found.group(1)


def test_an_invitation_goes_to_the_mailbox_and_is_shown_to_nobody(
    ada: TeamClient, books: Organisation
) -> None:
    new = {"name": "Ben", "address": "ben@books.example", "role": "editor"}
    response = ada.send("/admin/team/invite", **new)
    assert response.location == path_of(books, "Ben")
    page = ada.get(response.location).text
    assert "Invited, not joined yet" in page
    assert "/admin/invitation/" not in page
    link = mailed_link()
    assert ada.get(link).status_code == 200
    ada.send(f"{path_of(books, 'Ben')}/invite-again")
    assert ada.get(link).status_code == 410
    ada.send(f"{path_of(books, 'Ben')}/end")
    assert "Ben" not in [one.name for one in accounts.list_members(books)]


@pytest.mark.requirement("S-009")
def test_an_invitation_tells_nobody_whether_there_is_an_account(
    app: Flask, ada: TeamClient, books: Organisation
) -> None:
    make_account(make_organisation(DORA), name="Dora Keller", address="dora@plants.example")
    pages = []
    for address in ("dora@plants.example", "none@plants.example"):
        ada.send("/admin/team/invite", name="Guest", address=address, role="editor")
        page = team_client(app).get(mailed_link()).text
        member = ada.get("/admin/team/").text
        assert "Keller" not in page + member
        pages.append(re.sub(r'value="[^"]{20,}"|/admin/\S+|[a-z]+@plants.example', "", page))
    assert pages[0] == pages[1]


def test_an_invited_address_stays_free_for_its_owner(ada: TeamClient, books: Organisation) -> None:
    ada.send("/admin/team/invite", name="Guest", address="ben@books.example", role="editor")
    plants = make_organisation(DORA)
    with unit_of_work():
        ben = accounts.create_account("Ben", "ben@books.example", "another bookshop by the sea")
        accounts.add_member(plants, ben, Role.OWNER)
    assert "Guest" in ada.get("/admin/team/").text
    with unit_of_work():
        accounts.accept_invitation(mailed_link().rpartition("/")[2], "another bookshop by the sea")
    assert len(accounts.list_memberships(ben)) == 2
    assert "Ben" in ada.get("/admin/team/").text


def test_an_invitation_that_cannot_be_made_comes_back(ada: TeamClient, books: Organisation) -> None:
    for bad, field in (
        ({"name": "", "address": "ben@books.example", "role": "editor"}, "name"),
        ({"name": "Ben", "address": "ben", "role": "editor"}, "address"),
        ({"name": "Ben", "address": "ben@books.example", "role": "king"}, "role"),
        ({"name": "Ada", "address": "ada@books.example", "role": "editor"}, "address"),
    ):
        response = ada.send("/admin/team/invite", **bad)
        assert response.status_code == 422
        assert f'href="#field-{field}"' in response.text
    assert len(accounts.list_members(books)) == 1


def test_a_changed_role_holds_from_the_next_click(
    app: Flask, ada: TeamClient, books: Organisation
) -> None:
    ben = team_client(app, make_account(books, name="Ben", role=Role.VIEWER))
    assert ben.get("/admin/lists/new").status_code == 403
    ada.send(f"{path_of(books, 'Ben')}/role", role="editor")
    assert ben.get("/admin/lists/new").status_code == 200
    assert ada.send(f"{path_of(books, 'Ben')}/role", role="king").status_code == 422


def test_whoever_is_removed_is_out_at_once(
    app: Flask, ada: TeamClient, books: Organisation
) -> None:
    ben = team_client(app, make_account(books, name="Ben", role=Role.EDITOR))
    assert ben.get("/admin/").status_code == 200
    assert ada.send(f"{path_of(books, 'Ben')}/end").status_code == 303
    assert ben.get("/admin/").location.startswith("/admin/sign-in")


def test_the_last_owner_stays(ada: TeamClient, books: Organisation) -> None:
    path = path_of(books, "Ada")
    assert ada.send(f"{path}/role", role="viewer").status_code == 409
    response = ada.send(f"{path}/end")
    assert response.status_code == 409
    assert "needs an owner" in response.text
    assert ada.get("/admin/team/invite").status_code == 200


@pytest.mark.requirement("S-010")
def test_what_was_done_can_be_read_page_by_page(ada: TeamClient, books: Organisation) -> None:
    with unit_of_work():
        for number in range(PAGE_SIZE):
            accounts.note(books, None, f"did thing {number}", "")
    first = ada.get("/admin/team/history").text
    assert f"did thing {PAGE_SIZE - 1}" in first
    older = re.search(r'href="(/admin/team/history\?older=[^"]+)"', first)
    assert older is not None
    assert "signed in" in ada.get(older.group(1)).text


@pytest.mark.parametrize("path", ["/admin/team/invite", "/admin/team/history"])
def test_only_owners_manage_the_team(app: Flask, books: Organisation, path: str) -> None:
    make_account(books)
    for role in (Role.EDITOR, Role.PRIVACY_OFFICER, Role.VIEWER):
        client = team_client(app, make_account(books, name=role.name.lower(), role=role))
        assert client.get(path).status_code == 403
        assert client.get("/admin/team/").status_code == 200
        assert client.send(f"{path_of(books, 'Ada')}/role", role="viewer").status_code == 403
        assert client.send("/admin/team/invite", name="X").status_code == 403


@pytest.mark.requirement("S-009")
def test_dora_of_another_organisation_sees_and_changes_nothing(
    app: Flask, ada: TeamClient, books: Organisation
) -> None:
    make_account(books, name="Ben", role=Role.EDITOR)
    dora = team_client(app, make_account(make_organisation(DORA), name="Dora"))
    assert "Ben" not in dora.get("/admin/team/").text
    assert "Ada" not in dora.get("/admin/team/history").text
    path = path_of(books, "Ben")
    assert dora.get(path).status_code == 404
    assert dora.send(f"{path}/role", role="viewer").status_code == 404
    assert dora.send(f"{path}/invite-again").status_code == 404
    assert dora.send(f"{path}/end").status_code == 404
    assert [one.member.role for one in accounts.list_members(books)] == [Role.OWNER, Role.EDITOR]
