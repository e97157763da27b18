from __future__ import annotations

import pytest
from flask import Flask

from mailer.foundation.errors import Invalid
from mailer.lists import LANGUAGES, LawfulBasis, read_list_draft, read_purpose_draft
from tests.support.factories import make_organisation
from tests.support.make_lists import make_purpose, make_sender

PURPOSE = {
    "name": "News",
    "sentence": "To send you news.",
    "lawful_basis": "consent",
    "retention_months": "24",
}


def test_a_purpose_is_read_from_a_form() -> None:
    draft = read_purpose_draft(PURPOSE)
    assert draft.lawful_basis is LawfulBasis.CONSENT
    assert (draft.name, draft.retention_months) == ("News", 24)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("sentence", ""),
        ("sentence", "two\nlines"),
        ("lawful_basis", "because"),
        ("retention_months", "0"),
        ("retention_months", "241"),
        ("retention_months", "9" * 5000),
        ("retention_months", "twelve"),
    ],
)
def test_a_purpose_names_each_field_that_cannot_be_used(field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_purpose_draft(PURPOSE | {field: value})
    assert list(caught.value.fields) == [field]


def test_a_list_is_read_from_a_form_with_what_may_be_chosen(app: Flask) -> None:
    ada = make_organisation()
    purpose, sender = make_purpose(ada), make_sender(ada)
    given = {
        "name": "News",
        "frequency": "weekly",
        "purpose": purpose.public_id,
        "sender": sender.public_id,
        "language": "sk",
    }
    draft = read_list_draft(given, purposes=[purpose], senders=[sender])
    assert (draft.purpose, draft.sender, draft.language) == (purpose, sender, "sk")
    with pytest.raises(Invalid) as caught:
        read_list_draft(given | {"language": "tlh"}, purposes=[], senders=[])
    assert sorted(caught.value.fields) == ["language", "purpose", "sender"]


def test_all_official_languages_of_the_union_can_be_chosen() -> None:
    assert len(LANGUAGES) == 24
