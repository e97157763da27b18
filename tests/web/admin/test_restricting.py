"""Restricting a person's data, by those who may."""

from __future__ import annotations

import pytest
from flask import Flask

from mailer import accounts, campaigns, delivery
from mailer.accounts import Role
from mailer.campaigns import Campaign
from mailer.contacts import Contact
from mailer.delivery import DeliveryState
from mailer.foundation import clock
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.paging import Cursor
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


@pytest.mark.requirement("E-087")
def test_a_bounce_is_told_with_its_campaign_and_lifted_with_a_reason(
    app: Flask, campaign: Campaign, organisation: Organisation, readers: list[Contact]
) -> None:
    with unit_of_work():
        campaigns.start(campaign)
    with unit_of_work():
        delivery.plan(campaign.id)
        first, *others = delivery.claim(campaign.id, "bulk-1", limit=10).recipients
        reply = f"5.1.1 <{first.address}>: no such user"
        answers = [
            delivery.Result(
                first.delivery_id, DeliveryState.REFUSED, clock.now(), reply_code=550,
                reply_text=reply, batch_id=first.batch_id, is_bounce=True,
            ),
            *(delivery.unsent(one.delivery_id, clock.now(), batch_id=1) for one in others),
        ]  # fmt: skip
        delivery.settle("bulk-1", answers, done=[first.batch_id])
    person = next(one for one in readers if one.address == first.address)
    page = f"/admin/people/{person.public_id}"
    editor = team_client(app, make_account(organisation, name="Edda", role=Role.EDITOR))
    told = editor.get(page).text
    assert "The mailbox refuses mail" in told
    assert f"“550 {reply.replace('<', '&lt;').replace('>', '&gt;')}”" in told
    viewer = team_client(app, make_account(organisation, name="Rae", role=Role.VIEWER))
    for seen in (
        f"/admin/campaigns/{campaign.public_id}",
        f"/admin/campaigns/{campaign.public_id}/deliveries",
    ):
        assert "no such user" in viewer.get(seen).text
        assert first.address not in viewer.get(seen).text
    officer = team_client(app, make_account(organisation, name="Ola", role=Role.PRIVACY_OFFICER))
    assert officer.send(f"{page}/bounce", known_by="They wrote.").status_code == 403
    editor.send(f"{page}/bounce", known_by=" ")
    assert "lifted" not in editor.get(page).text
    editor.send(f"{page}/bounce", known_by="They wrote to us from it.")
    assert "lifted" in editor.get(page).text
    line = accounts.list_audit(organisation, Cursor()).rows[0].entry
    assert (line.action, line.details) == (
        "lifted a bounce", {"because": "They wrote to us from it."},
    )  # fmt: skip
