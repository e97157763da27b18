"""An opt-out is compared with a consent in the same way in a file of an import and in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from mailer import consent
from mailer.consent import About
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.suppression import (
    SUPPRESSED_CONSENTS,
    Reason,
    Scope,
    SuppressionEntry,
    outranks,
    suppress,
)

GIVEN = datetime(2023, 5, 1, 9, 4, 10, tzinfo=UTC)
DIGEST = "d" * 64


@pytest.mark.requirement("C-082")
@pytest.mark.parametrize("asked", [None, -1, 0, 1])
@pytest.mark.parametrize("is_confirmed_here", [True, False])
def test_the_view_and_the_import_judge_alike(
    organisation: Organisation,
    mailing_list: MailingList,
    asked: int | None,
    is_confirmed_here: bool,
) -> None:
    with unit_of_work():
        subject = consent.create_subject(organisation)
        record = consent.record_given(
            subject,
            About(mailing_list),
            {"leg": "a test"},
            given_at=None if is_confirmed_here else GIVEN,
        )
        given_at = record.recorded_at if is_confirmed_here else GIVEN
        asked_at = None if asked is None else given_at + timedelta(hours=asked)
        entry = suppress(
            organisation, DIGEST, scope=Scope.MARKETING, reason=Reason.UNSUBSCRIBED, at=asked_at
        )
        entry.is_undated = asked_at is None
    holds = outranks(asked_at, given_at, is_confirmed_here=is_confirmed_here)
    assert stopped() == ([(record.id, entry.id)] if holds else [])
    with unit_of_work():
        db.session.get_one(SuppressionEntry, entry.id).scope = Scope.ALL_MAIL
    assert stopped() == [(record.id, entry.id)]


def stopped() -> list[tuple[int, int]]:
    columns = SUPPRESSED_CONSENTS.c
    return [
        tuple(row) for row in db.session.execute(sa.select(columns.consent_id, columns.entry_id))
    ]
