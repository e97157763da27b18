"""Restricting a person's data, by those who may."""

from __future__ import annotations

import pytest
from flask import Flask

from mailer.accounts import Role
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.organisations import Organisation
from tests.support.make_accounts import TeamClient, make_account, team_client


def _now(contact: Contact) -> Contact:
    db.session.rollback()
    return db.session.get_one(Contact, contact.id, populate_existing=True)


@pytest.mark.requirement("C-091")
def test_a_restriction_needs_a_reason_and_is_lifted_only_after_telling(
    app: Flask, organisation: Organisation, readers: list[Contact]
) -> None:
    officer = team_client(app, make_account(organisation, name="Ola", role=Role.PRIVACY_OFFICER))
    page = f"/admin/people/{readers[0].public_id}"
    officer.send(f"{page}/restrict", because=" ")
    assert _now(readers[0]).restricted_at is None
    officer.send(f"{page}/restrict", because="They say that the address is wrong.")
    assert _now(readers[0]).restricted_at is not None
    assert "They say that the address is wrong." in officer.get(page).text
    officer.send(f"{page}/lift")
    assert _now(readers[0]).restricted_at is not None
    officer.send(f"{page}/lift", told="yes")
    assert _now(readers[0]).restricted_at is None


def test_who_may_not_erase_may_not_restrict(
    app: Flask, organisation: Organisation, readers: list[Contact]
) -> None:
    viewer: TeamClient = team_client(app, make_account(organisation, name="Rae", role=Role.VIEWER))
    page = f"/admin/people/{readers[0].public_id}/restrict"
    assert viewer.send(page, because="x").status_code == 403
