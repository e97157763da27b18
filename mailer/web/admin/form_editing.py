"""What the editor of a form sends → a draft, and a draft → what the editor shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailer import forms
from mailer.forms import Control, Disclosure, Field, FormDefinition, FormDraft
from mailer.foundation.errors import Invalid
from mailer.foundation.parsing import Answers
from mailer.lists import LANGUAGES, MailingList
from mailer.organisations import Organisation

OWN_ROWS = range(1, forms.MOST_OWN_FIELDS + 1)
USES = (("", "Not asked"), ("optional", "Asked, may be left empty"), ("required", "Required"))
_USE_WORDS = tuple(word for word, _ in USES)
LONGEST_SLOT = 2000
LONGEST_LABEL = 500


def read_draft(given: Mapping[str, str], in_use: Sequence[MailingList]) -> FormDraft:
    """The draft an editor sent. Raises Invalid with a message for every field."""
    answers = Answers(given)
    draft = _draft(answers, in_use)
    answers.check()
    return draft


def read_preview(given: Mapping[str, str], in_use: Sequence[MailingList]) -> FormDefinition:
    """The same, as far as it can be used; for showing while somebody types."""
    return _draft(Answers(given), in_use).definition


def filled_in(
    draft: FormDraft, organisation: Organisation, in_use: Sequence[MailingList]
) -> FormDraft:
    """`draft` with its disclosure written anew from the organisation and the chosen lists."""
    definition = draft.definition
    chosen = {name for control in definition.controls for name in control.lists}
    disclosure = forms.disclosure_for(
        organisation,
        [item for item in in_use if item.public_id in chosen],
        fields=definition.fields,
        asks_tracking=any(item.key == forms.TRACKING_KEY for item in definition.controls),
    )
    return replace(draft, definition=replace(definition, disclosure=disclosure))


def editor_values(draft: FormDraft, in_use: Sequence[MailingList]) -> dict[str, str]:
    """The fields of the editor for `draft`, by name."""
    definition = draft.definition
    values = {
        "name": draft.name,
        "title": definition.title,
        "intro": definition.intro,
        "language": definition.language,
        "button": definition.button,
        "success": definition.success,
        "origins": "\n".join(draft.allowed_origins),
    }
    for key, _, text in definition.disclosure.slots():
        values[f"slot_{key}"] = text
    for item in in_use:
        values[f"label_{item.public_id}"] = forms.control_for(item).label
    values[f"label_{forms.TRACKING_KEY}"] = forms.tracking_control().label
    for control in definition.controls:
        values[f"use_{control.key}"] = "yes"
        values[f"label_{control.key}"] = control.label
    own = 0
    for item_field in definition.fields:
        name = item_field.key
        if name not in forms.BUILT_IN_FIELDS:
            own += 1
            name = f"own_{own}"
            values[f"{name}_key"] = item_field.key
            values[f"{name}_label"] = item_field.label
        values[f"{name}_use"] = "required" if item_field.is_required else "optional"
        values[f"{name}_reason"] = item_field.reason
    return values


def _draft(answers: Answers, in_use: Sequence[MailingList]) -> FormDraft:
    name = answers.line("name", required=True)
    definition = FormDefinition(
        title=answers.line("title"),
        intro=answers.text("intro", longest=LONGEST_SLOT),
        language=answers.choice("language", LANGUAGES) or "en",
        button=answers.line("button", longest=60),
        success=answers.text("success", longest=LONGEST_SLOT),
        fields=(*_built_in(answers), *_own(answers)),
        controls=tuple(_controls(answers, in_use)),
        disclosure=Disclosure(
            **{key: answers.text(f"slot_{key}", longest=LONGEST_SLOT) for key, _ in forms.SLOTS}
        ),
    )
    return FormDraft(name=name, definition=definition, allowed_origins=_origins(answers))


def _built_in(answers: Answers) -> list[Field]:
    found = []
    for key, label in forms.BUILT_IN_FIELDS.items():
        use = answers.choice(f"{key}_use", _USE_WORDS, required=False)
        reason = answers.line(f"{key}_reason", longest=LONGEST_LABEL)
        if use:
            found.append(Field(key=key, label=label, is_required=use == "required", reason=reason))
    return found


def _own(answers: Answers) -> list[Field]:
    found: list[Field] = []
    for row in OWN_ROWS:
        label = answers.line(f"own_{row}_label")
        use = answers.choice(f"own_{row}_use", _USE_WORDS, required=False)
        reason = answers.line(f"own_{row}_reason", longest=LONGEST_LABEL)
        if not label:
            continue
        key = _key(answers.line(f"own_{row}_key"), label, {item.key for item in found})
        found.append(Field(key=key, label=label, is_required=use == "required", reason=reason))
    return found


def _key(given: str, label: str, taken: set[str]) -> str:
    # A key stays when the label changes, so that the answers of one question stay together.
    words = re.sub(r"[^a-z0-9]+", "_", (given or label).lower()).strip("_")[:40] or "answer"
    key, number = words, 1
    while key in taken or key in forms.BUILT_IN_FIELDS:
        number += 1
        key = f"{words}_{number}"
    return key


def _controls(answers: Answers, in_use: Sequence[MailingList]) -> list[Control]:
    found = []
    for control in (*map(forms.control_for, in_use), forms.tracking_control()):
        label = answers.line(f"label_{control.key}", longest=LONGEST_LABEL)
        if answers.is_ticked(f"use_{control.key}"):
            found.append(replace(control, label=label or control.label))
    return found


def _origins(answers: Answers) -> tuple[str, ...]:
    lines = answers.text("origins", longest=5000)
    try:
        return tuple(forms.parse_origins(lines))
    except Invalid as error:
        answers.fail("origins", str(error))
        return ()
