"""The pages of an import: a file, its columns, the dry run, and what is done with it."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mailer import contacts, imports
from mailer.accounts import Role
from mailer.foundation.addresses import parse_address
from mailer.imports import ImportState, RowState
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.web import csrf
from tests.support.make_accounts import TeamClient, make_account, team_client
from tests.support.making_imports import (
    WORDING,
    again,
    bring,
    bring_in,
    csv_of,
    rows_of,
    work,
)


def upload(ada: TeamClient, path: str, body: bytes, name: str, **fields: str) -> TestResponse:
    field = fields.pop("field", "file")
    form = {csrf.FIELD: ada.csrf_token(), **fields, field: (BytesIO(body), name)}
    return ada.post(path, data=form, content_type="multipart/form-data")


@pytest.mark.requirement("C-049")
@pytest.mark.requirement("S-064")
def test_a_file_goes_from_the_upload_to_a_dry_run_and_is_imported_once_its_number_is_typed(
    ada: TeamClient, organisation: Organisation, mailing_list: MailingList
) -> None:
    body = csv_of("cleo@example.org,Cleo Marsh", "no address,Nobody", "eve@example.org,=Eve")
    brought = upload(ada, "/admin/imports/new", body, "shop.csv", list=mailing_list.public_id)
    assert brought.status_code == 303
    page = brought.location
    asked = ada.get(page).text
    assert "Cleo Marsh" in asked
    assert 'value="address" selected' in asked
    checked = upload(
        ada,
        f"{page}/columns",
        b"the log",
        "log.txt",
        **{"field": "evidence", "column-0": "address", "column-1": "name"},
        source="form on shop.example",
        method="double opt-in",
        wording="Yes, please",
        date="2024-05-31",
    )
    assert checked.status_code == 303
    found = imports.get_import(organisation, page.rpartition("/")[2])
    assert "Reading the file" in ada.get(page).text
    work(found)
    shown = ada.get(page).text
    assert "Import 2 people" in shown
    assert "The address is none" in shown
    refused = list(csv.reader(StringIO(ada.get(f"{page}/refused.csv").text)))
    assert refused[1][:2] == ["3", "no address"]
    wrong = ada.send(f"{page}/start", count="3")
    assert wrong.status_code == 303
    assert again(found).state is ImportState.CHECKED
    assert "please type 2" in ada.get(page).text
    ada.send(f"{page}/start", count="2")
    work(found)
    assert again(found).state is ImportState.DONE
    done = ada.get(page).text
    assert "imported consent, subscribed" in done
    assert "Art. 14(3)" in done
    evidence = ada.get(f"{page}/evidence")
    assert (evidence.data, evidence.mimetype) == (b"the log", "application/octet-stream")
    person = ada.get("/admin/people/?search=cleo").text
    assert "cleo@example.org" in person


def test_a_file_whose_columns_do_not_fit_says_what_to_do(
    ada: TeamClient, mailing_list: MailingList
) -> None:
    found = bring(mailing_list, csv_of("cleo@example.org,Cleo"))
    path = f"/admin/imports/{found.public_id}/columns"
    answer = ada.send(path, **{"column-0": "name", "column-1": "ignore"})
    assert answer.status_code == 422
    assert "exactly one column" in answer.text
    empty = upload(ada, "/admin/imports/new", b"", "x.csv", list=mailing_list.public_id)
    assert empty.status_code == 422
    assert "holds something" in empty.text
    nowhere = upload(ada, "/admin/imports/new", b"email\na@b.example\n", "x.csv", list="")
    assert nowhere.status_code == 422


def test_progress_is_a_fragment_that_ends_by_itself(
    ada: TeamClient, mailing_list: MailingList
) -> None:
    found = bring(mailing_list, csv_of("cleo@example.org,Cleo"))
    ada.send(
        f"/admin/imports/{found.public_id}/columns", **{"column-0": "address", "column-1": "name"}
    )
    moving = ada.get(f"/admin/imports/{found.public_id}/progress").text
    assert "<progress" in moving
    assert "data-live-stop" not in moving
    work(found)
    assert "data-live-stop" in ada.get(f"/admin/imports/{found.public_id}/progress").text


def test_undo_and_discard_and_asking_want_their_numbers(
    ada: TeamClient, mailing_list: MailingList
) -> None:
    found = bring(mailing_list, csv_of("cleo@example.org,Cleo"))
    page = f"/admin/imports/{found.public_id}"
    ada.send(f"{page}/columns", **{"column-0": "address", "column-1": "name"})
    work(found)
    ada.send(f"{page}/start", count="1")
    work(found)
    assert "Ask one person" in ada.get(page).text
    ada.send(f"{page}/ask", count="2")
    assert not again(found).is_asking
    ada.send(f"{page}/ask", count="1")
    assert again(found).is_asking
    ada.send(f"{page}/stop-asking")
    assert not again(found).is_asking
    ada.send(f"{page}/undo", count="9")
    assert again(found).state is ImportState.DONE
    ada.send(f"{page}/undo", count="1")
    work(found)
    assert again(found).state is ImportState.UNDONE
    other = bring(mailing_list, csv_of("eve@example.org,Eve"))
    ada.send(f"/admin/imports/{other.public_id}/discard")
    assert again(other).state is ImportState.EXPIRED
    assert rows_of(found, RowState.UNDONE)[0].address is None


@pytest.mark.requirement("S-064")
def test_another_encoding_can_be_chosen(ada: TeamClient, mailing_list: MailingList) -> None:
    body = "email;vorname\nzoë@example.org;Zoë\n".encode("cp1252")
    found = bring(mailing_list, body)
    assert found.encoding == "cp1252"
    path = f"/admin/imports/{found.public_id}/encoding"
    ada.send(path, encoding="utf-8", separator="semicolon")
    assert again(found).encoding == "utf-8"
    ada.send(path, encoding="cp1252", separator="semicolon")
    assert "Zoë" in ada.get(f"/admin/imports/{found.public_id}").text


def test_only_who_may_import_sees_any_of_it(
    app: Flask, organisation: Organisation, mailing_list: MailingList
) -> None:
    found = bring(mailing_list, csv_of("cleo@example.org,Cleo"))
    viewer = team_client(app, make_account(organisation, name="Vic", role=Role.VIEWER))
    assert viewer.get("/admin/imports/").status_code == 403
    assert viewer.get(f"/admin/imports/{found.public_id}/refused.csv").status_code == 403
    editor = team_client(app, make_account(organisation, name="Ben", role=Role.EDITOR))
    assert editor.get("/admin/imports/").status_code == 200


@pytest.mark.requirement("C-049")
def test_a_person_s_page_shows_an_imported_consent_as_what_it_is(
    ada: TeamClient, organisation: Organisation, mailing_list: MailingList
) -> None:
    bring_in(mailing_list, csv_of("cleo@example.org,Cleo"))
    contact = contacts.find_by_address(organisation, parse_address("cleo@example.org"))
    assert contact is not None
    page = ada.get(f"/admin/people/{contact.public_id}?open=all").text
    assert "subscribed, imported consent" in page
    assert (
        "Given elsewhere, as the organisation says, and brought here. Nobody confirmed it here."
        in page
    )
    assert "given elsewhere" in page
    assert WORDING in page
    assert "The form was sent" not in page
