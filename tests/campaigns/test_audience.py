from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from mailer import campaigns, suppression
from mailer.foundation.database import db, unit_of_work
from mailer.suppression import Reason, Scope, SuppressionEntry
from tests.campaigns.conftest import House
from tests.support.factories import make_list
from tests.support.make_audience import contact_of, join_too, make_people
from tests.support.make_campaigns import make_draft


def test_a_person_in_two_lists_counts_once(house: House) -> None:
    other = make_list(house.organisation, name="Other")
    join_too(other, house.people[:2])
    make_people(other, 4, prefix="other")
    preview = campaigns.audience_preview(make_draft(house.organisation, house.mailing_list, other))
    assert [count.members for count in preview.lists] == [3, 6]
    assert (preview.people, preview.suppressed, preview.reachable) == (7, 0, 7)


@pytest.mark.requirement("C-082")
@pytest.mark.parametrize(
    ("scope", "age", "blocked"),
    [
        (Scope.ALL_MAIL, -1, 1),
        (Scope.ALL_MAIL, 1, 1),
        (Scope.MARKETING, 1, 1),
        (Scope.MARKETING, -1, 0),  # the consent is newer than the entry
    ],
)
def test_a_suppression_counts_as_its_scope_says(
    house: House, scope: Scope, age: int, blocked: int
) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with unit_of_work():
        contact = contact_of(house.people[0])
        assert contact.address_digest is not None
        entry = suppression.suppress(
            house.organisation, contact.address_digest, scope=scope, reason=Reason.OBJECTION
        )
        entry.created_at += timedelta(hours=age)
    assert campaigns.audience_preview(campaign).suppressed == blocked
    with unit_of_work():
        db.session.execute(sa.update(SuppressionEntry).values(lifted_at=entry.created_at))
    assert campaigns.audience_preview(campaign).suppressed == 0
