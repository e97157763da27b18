"""The state of the log for the team: what stands, what waits, what is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import consent, transparency
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.transparency import AlarmKind
from tests.support.auditing import audit
from tests.support.factories import DORA, make_organisation
from tests.support.keeping import keep
from tests.support.make_accounts import TeamClient, make_account, team_client
from tests.support.tampering import tamper


@pytest.mark.requirement("T-020")
def test_the_page_tells_what_is_signed_and_that_nobody_else_vouches(
    ada: TeamClient, readers: list[Contact], settings: Settings
) -> None:
    empty = ada.get("/admin/proof/").text
    assert "nothing yet" in empty
    size = keep(settings).size
    audit()
    page = ada.get("/admin/proof/").text
    assert settings.log_origin in page
    assert f">{size}<" in page
    assert "operator-asserted only" in page.lower()
    assert "All agrees" in page
    assert "compared" in page


@pytest.mark.requirement("T-015")
def test_a_refusal_stands_on_the_overview_and_on_the_page(
    ada: TeamClient, readers: list[Contact]
) -> None:
    assert "stands still" not in ada.get("/admin/").text
    with unit_of_work():
        transparency.raise_alarm(AlarmKind.REFUSED, "The database is older than the log.")
    assert "stands still" in ada.get("/admin/").text
    assert "The database is older than the log." in ada.get("/admin/proof/").text
    with unit_of_work():
        transparency.end_alarms()
    assert "stands still" not in ada.get("/admin/").text


def test_leaves_that_nobody_takes_are_an_alarm(ada: TeamClient, readers: list[Contact]) -> None:
    assert "worker.py --log" not in ada.get("/admin/proof/").text
    tamper("log_queue", "UPDATE log_queue SET kind = kind")
    with unit_of_work():
        db.session.execute(
            sa.text("UPDATE log_queue SET happened_at = :at").bindparams(
                sa.bindparam("at", now() - timedelta(minutes=3), sa.DateTime(timezone=True))
            )
        )
    assert "worker.py --log" in ada.get("/admin/proof/").text


@pytest.mark.requirement("T-022")
def test_what_the_audit_found_is_told_to_whom_it_concerns(
    app: Flask, ada: TeamClient, readers: list[Contact], settings: Settings
) -> None:
    keep(settings)
    tamper(
        "consent_records", "UPDATE consent_records SET state = 'given' WHERE state = 'requested'"
    )
    (first, *_) = audit()
    assert "self-audit found" in ada.get("/admin/").text
    page = ada.get("/admin/proof/").text
    assert first.place in page
    dora = team_client(app, make_account(make_organisation(DORA), name="Dora"))
    theirs = dora.get("/admin/proof/").text
    assert "None of them concerns your organisation" in theirs
    assert first.place not in theirs


@pytest.mark.requirement("T-020")
def test_every_record_of_a_person_says_whether_it_is_anchored(
    ada: TeamClient, readers: list[Contact], settings: Settings
) -> None:
    path = f"/admin/people/{readers[0].public_id}"
    records = len(consent.timeline([readers[0].subject_id]))
    before = ada.get(path).text
    assert before.count("). Not yet anchored") == records
    keep(settings)
    after = ada.get(path).text
    assert "Not yet anchored" not in after
    assert after.count("In the log at") == records
