from __future__ import annotations

import pytest
from flask import Flask

from mailer import lists, organisations
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from mailer.lists import LawfulBasis, ListDraft, MailingList
from tests.support.factories import DORA, make_list, make_organisation
from tests.support.make_lists import make_purpose, make_sender


def draft_of(mailing_list: MailingList, **changes: object) -> ListDraft:
    values: dict[str, object] = {
        "name": mailing_list.name,
        "frequency": mailing_list.frequency,
        "purpose": mailing_list.purpose,
        "sender": organisations.get_sender_by_id(mailing_list.sender_id),
    }
    return ListDraft(**(values | changes))  # type: ignore[arg-type]


def test_a_list_serves_the_purpose_it_was_made_for(app: Flask) -> None:
    ada = make_organisation()
    purpose, sender = make_purpose(ada), make_sender(ada)
    with unit_of_work():
        draft = ListDraft(name="News", frequency="weekly", purpose=purpose, sender=sender)
        made = lists.create_list(ada, draft)
    assert made.purpose is purpose
    assert lists.get_list(ada, made.public_id) is made
    assert lists.get_list_by_id(made.id) is made
    assert lists.list_lists_of_sender(sender) == [made]


def test_a_purpose_without_consent_cannot_carry_a_list(app: Flask) -> None:
    ada = make_organisation()
    purpose = make_purpose(ada, lawful_basis=LawfulBasis.LEGITIMATE_INTERESTS)
    draft = ListDraft(name="News", frequency="weekly", purpose=purpose, sender=make_sender(ada))
    with pytest.raises(Invalid) as caught, unit_of_work():
        lists.create_list(ada, draft)
    assert list(caught.value.fields) == ["purpose"]


@pytest.mark.requirement("S-009")
def test_purpose_and_sender_of_another_organisation_cannot_be_used(app: Flask) -> None:
    ada, dora = make_organisation(), make_organisation(DORA)
    purpose, sender = make_purpose(dora), make_sender(dora)
    draft = ListDraft(name="News", frequency="weekly", purpose=purpose, sender=sender)
    with pytest.raises(Invalid) as caught, unit_of_work():
        lists.create_list(ada, draft)
    assert sorted(caught.value.fields) == ["purpose", "sender"]


@pytest.mark.requirement("E-028")
def test_the_label_stays_when_the_name_changes(app: Flask) -> None:
    made = make_list(make_organisation())
    label = made.label
    with unit_of_work():
        lists.change_list(made, draft_of(made, name="Quarterly letter"))
    assert (made.name, made.label) == ("Quarterly letter", label)


def test_people_joined_for_one_purpose_so_it_stays(app: Flask) -> None:
    ada = make_organisation()
    made = make_list(ada)
    other = make_purpose(ada)
    with pytest.raises(Invalid) as caught, unit_of_work():
        lists.change_list(made, draft_of(made, purpose=other))
    assert list(caught.value.fields) == ["purpose"]


def test_an_archived_list_stays_on_record_and_as_it_was(app: Flask) -> None:
    ada = make_organisation()
    made, other = make_list(ada), make_list(ada, name="Events")
    with unit_of_work():
        lists.archive_list(made)
    assert lists.list_lists(ada) == [other]
    assert lists.list_lists(ada, with_archived=True) == [other, made]
    with pytest.raises(NotAllowed), unit_of_work():
        lists.change_list(made, draft_of(made, name="Other"))


@pytest.mark.requirement("S-009")
def test_a_list_of_another_organisation_is_not_found(app: Flask) -> None:
    made = make_list(make_organisation())
    dora = make_organisation(DORA)
    with pytest.raises(NotFound):
        lists.get_list(dora, made.public_id)
    assert lists.list_lists(dora) == []
