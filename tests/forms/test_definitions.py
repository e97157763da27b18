from __future__ import annotations

import pytest

from mailer.consent import Matter
from mailer.forms import Control, Disclosure, Field, FormDefinition
from mailer.foundation.errors import Invalid

WHOLE = FormDefinition(
    title="Letters",
    intro="Choose.",
    language="de",
    button="Ask",
    success="Look into your inbox.",
    fields=(Field(key="first_name", label="First name"), Field(key="shop", label="Which shop?")),
    controls=(Control(key="lst_1", matter=Matter.MAILING, label="Yes", lists=("lst_1",)),),
    disclosure=Disclosure(who="Harbour Books Ltd", how_often="monthly"),
)


def test_a_definition_survives_being_written_and_read() -> None:
    assert FormDefinition.from_json(WHOLE.to_json()) == WHOLE


def test_a_new_draft_is_an_empty_definition() -> None:
    assert FormDefinition.from_json({}) == FormDefinition()


def test_names_of_own_fields_never_meet_those_of_ours() -> None:
    own = Field(key="address", label="Where do you live?")
    assert own.name == "own_address"
    assert Field(key="first_name", label="First name").name == "first_name"


@pytest.mark.parametrize(
    "plain",
    [
        {"fields": [{"label": "no key"}]},
        {"controls": [{"key": "a", "matter": "spying", "label": "x"}]},
        {"disclosure": {"secret": "x"}},
        {"fields": 3},
        {"disclosure": None},
    ],
)
def test_anything_else_is_refused(plain: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        FormDefinition.from_json(plain)
