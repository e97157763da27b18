"""What keeps a form from being published, each with the rule it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailer import lists, organisations
from mailer.consent import Matter
from mailer.forms.definitions import SLOTS, Control, FormDefinition
from mailer.forms.models import Form
from mailer.lists import MailingList
from mailer.organisations import Organisation

_SOURCES = {
    "who": "GDPR Art. 13(1)(a), C-006",
    "what_for": "GDPR Art. 13(1)(c), C-006",
    "how_often": "EDPB Guidelines 05/2020, C-006",
    "which_data": "EDPB Guidelines 05/2020, C-006",
    "how_long": "GDPR Art. 13(2)(a), C-006",
    "how_to_withdraw": "GDPR Art. 7(3) and 13(2)(c), C-006",
}


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing to put right: the field it is about, a sentence, and the rule."""

    where: str
    message: str
    source: str


def missing_for_publication(form: Form) -> list[Missing]:
    """Everything that keeps `form` from being published; empty when nothing does (C-002 to C-006)."""
    definition = FormDefinition.from_json(form.draft)
    organisation = organisations.get_organisation_by_id(form.organisation_id)
    known = {item.public_id: item for item in lists.list_lists(organisation, with_archived=True)}
    return [
        *_texts(definition),
        *_identity(organisation, definition),
        *_fields(definition),
        *_controls(definition, known),
    ]


def _texts(definition: FormDefinition) -> Iterator[Missing]:
    for name, said in (("title", "a title"), ("button", "a text for its button")):
        if not getattr(definition, name):
            yield Missing(name, f"The form needs {said}.", "C-006")
    for key, heading in SLOTS:
        if not getattr(definition.disclosure, key):
            yield Missing(key, f"“{heading}” is empty.", _SOURCES[key])


def _identity(organisation: Organisation, definition: FormDefinition) -> Iterator[Missing]:
    for fact in organisations.missing_identity(organisation):
        yield Missing(
            "organisation", f"The settings do not say yet: {fact}.", "GDPR Art. 13(1)(a), C-007"
        )
    name = organisation.legal_name
    if (
        name
        and definition.disclosure.who
        and name.casefold() not in definition.disclosure.who.casefold()
    ):
        yield Missing(
            "who",
            f"“Who asks” must name the organisation in full: {name}.",
            "GDPR Art. 13(1)(a); rec. 42, C-006",
        )


def _fields(definition: FormDefinition) -> Iterator[Missing]:
    for item in definition.fields:
        if not item.label:
            yield Missing(f"{item.name}_label", "A field has no label.", "WCAG 3.3.2")
        if item.is_required and not item.reason:
            yield Missing(
                f"{item.name}_reason",
                f"“{item.label}” is required: say why it cannot be left out, or make it optional.",
                "GDPR Art. 5(1)(c), C-005",
            )


def _controls(definition: FormDefinition, known: dict[str, MailingList]) -> Iterator[Missing]:
    mailing = [item for item in definition.controls if item.matter is Matter.MAILING]
    if not mailing:
        yield Missing("lists", "The form offers no list to join.", "C-003")
    for control in definition.controls:
        if not control.label:
            yield Missing(
                control.key, "A box has no text that says what ticking it means.", "C-003"
            )
        if control.is_ticked:
            yield Missing(
                control.key,
                f"“{control.label}” is ticked beforehand; nobody consents by leaving a tick.",
                "GDPR Art. 4(11), CJEU C-673/17, C-002",
            )
        yield from _bundled(control)
    for public_id in dict.fromkeys(name for item in mailing for name in item.lists):
        yield from _list(public_id, known.get(public_id))


def _bundled(control: Control) -> Iterator[Missing]:
    is_mailing = control.matter is Matter.MAILING
    if len(control.lists) != (1 if is_mailing else 0):
        yield Missing(
            control.key,
            f"“{control.label}” must ask for exactly one thing: one box for each list, and one of its "
            "own for measuring.",
            "GDPR rec. 32 and 43, C-003",
        )


def _list(public_id: str, found: MailingList | None) -> Iterator[Missing]:
    if found is None:
        yield Missing(public_id, "A list of this form does not exist any more.", "C-003")
        return
    if found.archived_at is not None:
        yield Missing(public_id, f"The list “{found.name}” is archived.", "C-003")
    if found.purpose is None or not found.purpose.sentence:
        yield Missing(
            public_id,
            f"The purpose of the list “{found.name}” has no sentence yet.",
            "GDPR Art. 13(1)(c), C-006",
        )
    if not found.frequency:
        yield Missing(public_id, f"The list “{found.name}” does not say how often.", "C-006")
