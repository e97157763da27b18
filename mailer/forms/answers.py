"""What somebody typed into a published form → a typed answer, or a message for every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.consent import Matter
from mailer.forms.definitions import BUILT_IN_FIELDS
from mailer.forms.publishing import PublishedForm
from mailer.foundation.addresses import Address
from mailer.foundation.errors import Invalid
from mailer.foundation.parsing import Answers

# No browser fills a field of this name by itself, and it is hidden from everybody but robots.
HONEYPOT = "comments"
LONGEST_ANSWER = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupAnswers:
    """An answer that can be used; `ticked` holds the keys of the boxes."""

    address: Address
    first_name: str
    last_name: str
    fields: dict[str, str]
    ticked: frozenset[str]


def read_answers(published: PublishedForm, given: Mapping[str, str]) -> SignupAnswers:
    """Check `given`, by the names of the inputs. Raises Invalid with a message for every field.

    At least one list must be ticked, for without it there is nothing to ask for; boxes that the
    version does not offer are ignored.
    """
    answers = Answers(given)
    address = answers.parsed_address("address", required=True)
    values = {
        item.name: answers.line(item.name, required=item.is_required, longest=LONGEST_ANSWER)
        for item in published.definition.fields
    }
    ticked = frozenset(item.key for item in published.controls if answers.is_ticked(item.key))
    mailing = [item for item in published.controls if item.matter is Matter.MAILING]
    if not any(item.key in ticked for item in mailing):
        answers.fail(mailing[0].key if mailing else "", "Please tick at least one list to join.")
    answers.check()
    if address is None:  # then `check` has raised
        raise Invalid("Please give your e-mail address.")
    return SignupAnswers(
        address=address,
        first_name=values.get("first_name", ""),
        last_name=values.get("last_name", ""),
        fields={
            item.key: values[item.name]
            for item in published.definition.fields
            if item.key not in BUILT_IN_FIELDS and values[item.name]
        },
        ticked=ticked,
    )


def kept_answers(published: PublishedForm, given: Mapping[str, str]) -> dict[str, str]:
    """What was typed, as it was typed, for showing the form again: text fields only."""
    names = ("address", *(item.name for item in published.definition.fields))
    return {name: given.get(name, "")[: LONGEST_ANSWER * 2].replace("\x00", "") for name in names}


def is_robot(given: Mapping[str, str]) -> bool:
    """Whether the field that nobody sees was filled in (S-033)."""
    return bool(given.get(HONEYPOT, "").strip())
