from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from mailer import consent, organisations
from mailer.foundation.database import unit_of_work
from mailer.organisations import Organisation
from tests.support.factories import ADA, make_list, make_organisation


@pytest.fixture
def organisation(app: object) -> Organisation:
    """An organisation whose notice has two versions."""
    organisation = make_organisation(replace(ADA, city="Cork"))
    make_list(organisation)
    with unit_of_work():
        consent.publish_notice(organisation)
    with unit_of_work():
        organisations.change_organisation(organisation, ADA)
        consent.publish_notice(organisation)
    return organisation


@pytest.mark.requirement("C-007")
def test_the_newest_notice_is_shown_and_older_ones_are_reachable(
    client: FlaskClient, organisation: Organisation
) -> None:
    newest = client.get(f"/notice/{organisation.public_id}")
    assert newest.status_code == 200
    assert "Harbour Books Ltd, 12 Custom House Quay, D01 KF84 Dublin" in newest.text
    assert "older version" not in newest.text
    assert f'href="/notice/{organisation.public_id}/1"' in newest.text
    older = client.get(f"/notice/{organisation.public_id}/1")
    assert "Cork" in older.text
    assert "This is an older version" in older.text
    assert client.get(f"/notice/{organisation.public_id}/2").data == newest.data


def test_the_imprint_names_who_is_behind_it(
    client: FlaskClient, organisation: Organisation
) -> None:
    page = client.get(f"/imprint/{organisation.public_id}")
    for line in organisations.imprint_lines(organisation):
        assert line in page.text
    assert f'href="/notice/{organisation.public_id}"' in page.text


def test_what_is_not_published_is_not_there(client: FlaskClient) -> None:
    bare = make_organisation()
    assert client.get(f"/notice/{bare.public_id}").status_code == 404
    assert client.get(f"/imprint/{bare.public_id}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/notice/org_x", "/notice/%00", "/imprint/org_x", "/imprint/" + "x" * 300]
)
def test_unknown_organisations_are_not_found(client: FlaskClient, path: str) -> None:
    # PostgreSQL cannot even be asked for the second one.
    assert client.get(path).status_code in ((404, 422) if "%00" in path else (404,))


@pytest.mark.parametrize("number", ["0", "3", "99999999999999999999", "-1", "x"])
def test_unknown_numbers_are_not_found(
    client: FlaskClient, organisation: Organisation, number: str
) -> None:
    assert client.get(f"/notice/{organisation.public_id}/{number}").status_code == 404


@pytest.mark.requirement("C-109")
def test_neither_page_sets_a_cookie(client: FlaskClient, organisation: Organisation) -> None:
    for path in ("notice", "imprint"):
        page = client.get(f"/{path}/{organisation.public_id}")
        assert "Set-Cookie" not in page.headers
