"""Dora owns another organisation: on every route of the team's side she sees and changes nothing of Ada's."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from mailer import accounts, campaigns, consent, destinations, imports, organisations
from mailer.campaigns import Campaign, CampaignDraft
from mailer.contacts import Contact
from mailer.destinations import LimitDraft, LimitKind
from mailer.foundation.database import Model, db, unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import (
    DORA,
    link_in,
    mails_for,
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)
from tests.support.make_accounts import TeamClient, make_account, team_client

PREFIX = "/admin/"
# What belongs to a person or to the service, not to an organisation.
OWN = frozenset(
    {"auth.invitation", "auth.accept", "auth.sign_in", "auth.enter", "auth.sign_out", "metrics"}
    | {"auth.forgotten", "auth.ask_for_reset", "auth.new_password", "auth.reset_password"}
)


class Ada:
    """An organisation with one of everything, and the words that would betray it."""

    WORDS = ("Harbour Books", "Autumn secrets", "cleo@", "Quiet letter", "Ada Byrne")

    def __init__(self, app: Flask) -> None:
        self.organisation = make_organisation()
        account = make_account(self.organisation, name="Ada Byrne", address="ada@books.example")
        self.letter = make_list(self.organisation, name="Quiet letter")
        form = make_form(self.organisation, self.letter)
        request = make_request(submission(self.organisation, form, self.letter))
        app.test_client().post(link_in(mails_for(request)[0], "c"))
        waiting = submission(self.organisation, form, self.letter, address="cleo@second.example")
        make_request(waiting)
        with unit_of_work():
            campaign = campaigns.create_campaign(self.organisation, account, "Autumn secrets")
            campaigns.change_campaign(campaign, self._draft(), campaign.revision)
            contact = db.session.scalars(sa.select(Contact)).one()
            limit = destinations.set_limit(
                self.organisation, LimitDraft(LimitKind.ORGANISATION, "", 60, None, None)
            )
            blob = consent.put_blob(consent.get_subject(contact.subject_id), b"x", "text/plain")
            file = imports.FileGiven(
                name="people.csv", content=io.BytesIO(b"email\ncleo@example.org\n"), importer="Ada"
            )
            brought = imports.create_import(self.letter, file)
            _token, session = accounts.start_session(accounts.Authenticated(account), "a test")
        member = accounts.list_members(self.organisation)[0].member
        self.ids: dict[str, str] = {
            "campaigns": campaign.public_id,
            "forms": form.public_id,
            "imports": brought.public_id,
            "lists": self.letter.public_id,
            "pace": limit.public_id,
            "people": contact.public_id,
            "purposes": self.letter.purpose.public_id,
            "receipts": self.letter.public_id,
            "senders": organisations.list_senders(self.organisation)[0].public_id,
            "sessions": session.public_id,
            "team": member.public_id,
            "sha256": blob,
        }

    def _draft(self) -> CampaignDraft:
        return CampaignDraft(
            name="Autumn secrets",
            subject="Autumn secrets",
            body="Hello",
            sender=organisations.list_senders(self.organisation)[0],
            lists=(self.letter,),
        )

    def path(self, rule: Rule) -> str:
        """The address of Ada's thing that `rule` is about."""
        path = rule.rule
        path = re.sub(r"<any\((\w+)[^)]*\):\w+>", r"\1", path)
        path = path.replace("<int:number>", "1").replace("<sha256>", self.ids["sha256"])
        return re.sub(r"(\w+)/<\w+>", lambda found: f"{found[1]}/{self.ids[found[1]]}", path)


@pytest.fixture
def ada(app: Flask) -> Ada:
    return Ada(app)


@pytest.fixture
def dora(app: Flask) -> TeamClient:
    organisation = make_organisation(DORA)
    make_list(organisation, name="Plants")
    return team_client(app, make_account(organisation, name="Dora", address="dora@plants.example"))


def team_rules(app: Flask) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX) and rule.endpoint not in OWN
    ]


def contents(organisation: Organisation) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for Dora's own sessions, audit lines and things."""
    db.session.rollback()
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for table in Model.metadata.sorted_tables:
        query = sa.select(table)
        if "organisation_id" in table.c:
            query = query.where(table.c.organisation_id == organisation.id)
        elif table.name in ("accounts", "consent_texts"):
            continue
        rows[table.name] = [tuple(row) for row in db.session.execute(query)]
    return rows


@pytest.mark.requirement("S-009")
def test_she_sees_nothing_on_any_page(app: Flask, ada: Ada, dora: TeamClient) -> None:
    walked = 0
    for rule in team_rules(app):
        if "GET" not in (rule.methods or set()):
            continue
        answer = dora.get(ada.path(rule))
        expected = {404} if rule.arguments - {"act", "number"} else {200}
        assert answer.status_code in expected, rule.rule
        assert [word for word in ada.WORDS if word in answer.text] == [], rule.rule
        walked += 1
    assert walked > 30


@pytest.mark.requirement("S-009")
def test_she_changes_nothing_by_any_press(app: Flask, ada: Ada, dora: TeamClient) -> None:
    before = contents(ada.organisation)
    token = dora.csrf_token()
    walked = 0
    for rule in team_rules(app):
        if "POST" not in (rule.methods or set()) or not rule.arguments:
            continue
        answer = dora.send(ada.path(rule), token=token, name="Stolen", revision="1", role="viewer")
        assert answer.status_code == 404, rule.rule
        walked += 1
    assert walked > 20
    assert contents(ada.organisation) == before


@pytest.mark.requirement("S-009")
@pytest.mark.parametrize("field", ["lists", "sender", "purpose", "organisation"])
def test_she_cannot_name_what_is_not_hers(
    app: Flask, ada: Ada, dora: TeamClient, field: str
) -> None:
    before = contents(ada.organisation)
    stolen = {
        "lists": ada.ids["lists"],
        "sender": ada.ids["senders"],
        "purpose": ada.ids["purposes"],
        "organisation": ada.organisation.public_id,
    }
    token = dora.csrf_token()
    dora.send("/admin/campaigns/new", token=token, name="Mine")
    db.session.rollback()
    mine = db.session.scalars(sa.select(Campaign).order_by(Campaign.id.desc())).first()
    assert mine is not None
    for path in (
        f"/admin/campaigns/{mine.public_id}/edit",
        "/admin/lists/new",
        "/admin/forms/new",
        "/admin/organisation",
    ):
        answer = dora.send(
            path, token=token, **{"name": "Mine", "revision": "1", field: stolen[field]}
        )
        assert answer.status_code < 500
        assert "Harbour Books" not in answer.text
        assert "Quiet letter" not in answer.text
    assert "Dora" in dora.get("/admin/").text
    assert contents(ada.organisation) == before
    reached = db.session.scalars(
        sa.select(MailingList.organisation_id).where(MailingList.name == "Mine")
    ).all()
    assert ada.organisation.id not in reached
