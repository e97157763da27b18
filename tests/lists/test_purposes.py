from __future__ import annotations

import pytest
from flask import Flask

from mailer import lists
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from mailer.lists import LawfulBasis, PurposeDraft
from tests.support.factories import DORA, make_list, make_organisation
from tests.support.make_lists import make_purpose

CONTRACT = PurposeDraft(
    name="Orders", sentence="To send you what you ordered.", lawful_basis=LawfulBasis.CONTRACT
)


def test_a_purpose_keeps_its_sentence_basis_and_retention(app: Flask) -> None:
    ada = make_organisation()
    with unit_of_work():
        purpose = lists.create_purpose(ada, CONTRACT)
    assert purpose.sentence == "To send you what you ordered."
    assert purpose.lawful_basis is LawfulBasis.CONTRACT
    assert purpose.retention_months == 36
    assert lists.list_purposes(ada) == [purpose]
    assert lists.get_purpose(ada, purpose.public_id) is purpose


def test_a_purpose_can_be_put_in_other_words(app: Flask) -> None:
    purpose = make_purpose(make_organisation())
    with unit_of_work():
        lists.change_purpose(purpose, PurposeDraft(name="News", sentence="To tell you news."))
    assert (purpose.name, purpose.sentence) == ("News", "To tell you news.")


def test_a_purpose_that_lists_serve_has_to_rest_on_consent(app: Flask) -> None:
    purpose = make_list(make_organisation()).purpose
    with pytest.raises(Invalid) as caught, unit_of_work():
        lists.change_purpose(purpose, CONTRACT)
    assert list(caught.value.fields) == ["lawful_basis"]


def test_a_purpose_with_live_lists_cannot_be_archived_and_they_are_named(app: Flask) -> None:
    mailing_list = make_list(make_organisation())
    with pytest.raises(NotAllowed, match="“Monthly letter”"), unit_of_work():
        lists.archive_purpose(mailing_list.purpose)
    with unit_of_work():
        lists.archive_list(mailing_list)
        lists.archive_purpose(mailing_list.purpose)
    assert mailing_list.purpose.archived_at is not None


def test_an_archived_purpose_can_no_longer_be_changed(app: Flask) -> None:
    ada = make_organisation()
    purpose = make_purpose(ada)
    with unit_of_work():
        lists.archive_purpose(purpose)
    assert lists.list_purposes(ada) == []
    with pytest.raises(NotAllowed), unit_of_work():
        lists.change_purpose(purpose, CONTRACT)


@pytest.mark.requirement("S-009")
def test_a_purpose_of_another_organisation_is_not_found(app: Flask) -> None:
    purpose = make_purpose(make_organisation())
    with pytest.raises(NotFound):
        lists.get_purpose(make_organisation(DORA), purpose.public_id)
