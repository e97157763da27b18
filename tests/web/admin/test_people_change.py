"""The person on the telephone: staff unsubscribe somebody and put a name right, and can do no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import consent, subscriptions
from mailer.accounts import AuditEntry, Role
from mailer.consent import ConsentRecord, ConsentState
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.make_accounts import make_account, team_client

CALL = {"what": "all", "way": "telephone", "at": "2026-01-02T10:30", "note": "Ola took the call."}


def _withdrawals() -> list[ConsentRecord]:
    db.session.rollback()
    query = sa.select(ConsentRecord).where(ConsentRecord.state == ConsentState.WITHDRAWN)
    return list(db.session.scalars(query))


def _noted() -> str:
    return " ".join(
        f"{one.action} {one.details}" for one in db.session.scalars(sa.select(AuditEntry))
    )


@pytest.mark.parametrize("role", [Role.OWNER, Role.EDITOR, Role.PRIVACY_OFFICER])
def test_how_and_when_somebody_asked_is_the_evidence_of_the_withdrawal(
    app: Flask,
    organisation: Organisation,
    mailing_list: MailingList,
    readers: list[Contact],
    role: Role,
) -> None:
    team = team_client(app, make_account(organisation, role=role))
    person = f"/admin/people/{readers[0].public_id}"
    assert "Unsubscribe this person" in team.get(person).text
    assert "By telephone" in team.get(f"{person}/unsubscribe").text
    team.send(f"{person}/unsubscribe", **{**CALL, "what": mailing_list.public_id})
    (record,) = _withdrawals()
    assert not subscriptions.is_active(readers[0], mailing_list)
    assert subscriptions.is_active(readers[1], mailing_list)
    evidence = (consent.read_payload(record) or {})["evidence"]
    assert evidence["method"] == "asked by telephone"
    assert evidence["asked_at"].startswith("2026-01-02T")
    assert evidence["note"] == "Ola took the call."
    assert "asked by telephone" in team.get(f"{person}?open=all").text
    assert "unsubscribed a person who asked" in _noted()
    assert "Ola took" not in _noted()
    again = team.send(f"{person}/unsubscribe", **CALL)
    assert again.status_code == 303
    assert len(_withdrawals()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": ""},
        {"at": "yesterday"},
        {"at": (now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")},
        {"way": "telepathy"},
        {"what": ""},
        {"note": "x" * 1001},
    ],
)
def test_what_cannot_be_evidence_is_asked_for_again_and_nothing_is_lost(
    app: Flask, organisation: Organisation, readers: list[Contact], wrong: dict[str, str]
) -> None:
    team = team_client(app, make_account(organisation))
    path = f"/admin/people/{readers[0].public_id}/unsubscribe"
    answer = team.send(path, **{**CALL, **wrong})
    assert answer.status_code == 422
    assert _withdrawals() == []
    if "note" not in wrong:
        assert "Ola took the call." in answer.text


def test_a_name_is_corrected_and_neither_the_old_nor_the_new_one_is_noted(
    app: Flask, organisation: Organisation, readers: list[Contact]
) -> None:
    team = team_client(app, make_account(organisation))
    path = f"/admin/people/{readers[0].public_id}/name"
    assert team.get(path).status_code == 200
    assert team.send(path, first_name="x" * 121, last_name="").status_code == 422
    team.send(path, first_name=" Zoë ", last_name="O’Brien")
    db.session.rollback()
    person = db.session.get_one(Contact, readers[0].id, populate_existing=True)
    assert (person.first_name, person.last_name) == ("Zoë", "O’Brien")
    assert "corrected a name" in _noted()
    assert "Zoë" not in _noted()


def test_a_viewer_changes_nobody(
    app: Flask, organisation: Organisation, readers: list[Contact]
) -> None:
    viewer = team_client(app, make_account(organisation, name="Rae", role=Role.VIEWER))
    person = f"/admin/people/{readers[0].public_id}"
    assert viewer.send(f"{person}/unsubscribe", **CALL).status_code == 403
    assert viewer.send(f"{person}/name", first_name="X").status_code == 403
    assert _withdrawals() == []
