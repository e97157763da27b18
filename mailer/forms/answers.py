"""What somebody typed into a published form → a typed answer, or a message for every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailer.consent import Matter
from mailer.forms.definitions import BUILT_IN_FIELDS
from mailer.forms.publishing import PublishedForm
from mailer.foundation.addresses import Address, parse_address
from mailer.foundation.errors import Invalid
from mailer.foundation.parsing import Answers
from mailer.foundation.provider_typos import suggest_address
from mailer.foundation.typed_addresses import (
    LONGEST_TYPED,
    TypedAddress,
    describe_corrections,
    read_typed_address,
)

# No browser fills a field of this name by itself, and it is hidden from everybody but robots.
HONEYPOT = "comments"
LONGEST_ANSWER = 120
LONGEST_KEPT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class MeantAddress:
    """The address that counts, and how it came about.

    `read` is what was typed at first and how it was read; `suggested` the address the visitor was asked about,
    or is to be asked about while the question `is_open`.
    """

    address: Address
    read: TypedAddress
    suggested: str = ""
    is_open: bool = False

    @property
    def evidence(self) -> dict[str, Any]:
        """What was corrected, asked and answered, for leg (a) of the proof; empty for a plain address."""
        told: dict[str, Any] = {}
        if self.read.corrections or self.suggested:
            told["address_typed"] = self.read.typed[:LONGEST_TYPED]
        if self.read.corrections:
            told["address_corrections"] = describe_corrections(self.read.corrections)
        if self.suggested:
            told["address_suggested"] = self.suggested
            is_taken = self.address.given == self.suggested
            told["address_suggestion"] = "taken" if is_taken else "not taken"
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupAnswers:
    """An answer that can be used; `ticked` holds the keys of the boxes."""

    meant: MeantAddress
    first_name: str
    last_name: str
    fields: dict[str, str]
    ticked: frozenset[str]

    @property
    def address(self) -> Address:
        """Where the confirmation mail goes."""
        return self.meant.address


def read_answers(published: PublishedForm, given: Mapping[str, str]) -> SignupAnswers:
    """Check `given`, by the names of the inputs. Raises Invalid with a message for every field.

    At least one list must be ticked, for without it there is nothing to ask for; boxes that the
    version does not offer are ignored.
    """
    answers = Answers(given)
    read = answers.typed_address("address", required=True)
    values = {
        item.name: answers.line(item.name, required=item.is_required, longest=LONGEST_ANSWER)
        for item in published.definition.fields
    }
    ticked = frozenset(item.key for item in published.controls if answers.is_ticked(item.key))
    mailing = [item for item in published.controls if item.matter is Matter.MAILING]
    if not any(item.key in ticked for item in mailing):
        answers.fail(mailing[0].key if mailing else "", "Please tick at least one list to join.")
    answers.check()
    if read is None:  # then `check` has raised
        raise Invalid("Please give your e-mail address.")
    return SignupAnswers(
        meant=_meant(read, given),
        first_name=values.get("first_name", ""),
        last_name=values.get("last_name", ""),
        fields={
            item.key: values[item.name]
            for item in published.definition.fields
            if item.key not in BUILT_IN_FIELDS and values[item.name]
        },
        ticked=ticked,
    )


def _meant(read: TypedAddress, given: Mapping[str, str]) -> MeantAddress:
    """The address that counts, given what the visitor answered when they were asked about it.

    `typed` carries what they typed at first from one showing of the form to the next, `asked` the address they
    were asked about, `suggestion` the button they pressed.
    """
    first = _read_or_none(given.get("typed", "")) or read
    suggested = suggest_address(first.address)
    if suggested and suggested == read.address.given:
        return MeantAddress(address=read.address, read=first, suggested=suggested)
    if first.address != read.address:
        first, suggested = read, suggest_address(read.address)
    is_asked = given.get("asked") == read.address.given
    if suggested and is_asked and given.get("suggestion") == "yes":
        return MeantAddress(address=parse_address(suggested), read=first, suggested=suggested)
    is_open = bool(suggested) and not is_asked
    return MeantAddress(address=read.address, read=first, suggested=suggested, is_open=is_open)


def _read_or_none(text: str) -> TypedAddress | None:
    try:
        return read_typed_address(text) if text else None
    except Invalid:
        return None


def kept_answers(published: PublishedForm, given: Mapping[str, str]) -> dict[str, str]:
    """What was typed, as it was typed, for showing the form again: text fields only."""
    names = ["address", *(item.name for item in published.definition.fields)]
    names += ["typed"] if given.get("typed") else []
    return {name: given.get(name, "")[:LONGEST_KEPT].replace("\x00", "") for name in names}


def is_robot(given: Mapping[str, str]) -> bool:
    """Whether the field that nobody sees was filled in (S-033)."""
    return bool(given.get(HONEYPOT, "").strip())
