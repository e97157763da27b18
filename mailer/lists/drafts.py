"""What a purpose or a list is to be, checked field by field before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailer.foundation.parsing import Answers
from mailer.lists.models import LawfulBasis, Purpose
from mailer.organisations import Sender

RETENTION_LIMITS = (1, 240)  # months
LONGEST_SENTENCE = 500
LONGEST_DESCRIPTION = 1_000

# The official languages of the European Union, by ISO 639-1 code.
LANGUAGES: dict[str, str] = {
    "bg": "Bulgarian",
    "hr": "Croatian",
    "cs": "Czech",
    "da": "Danish",
    "nl": "Dutch",
    "en": "English",
    "et": "Estonian",
    "fi": "Finnish",
    "fr": "French",
    "de": "German",
    "el": "Greek",
    "hu": "Hungarian",
    "ga": "Irish",
    "it": "Italian",
    "lv": "Latvian",
    "lt": "Lithuanian",
    "mt": "Maltese",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "es": "Spanish",
    "sv": "Swedish",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeDraft:
    """Why we process. `sentence` is shown to the person; `retention_months` counts from the end of use."""

    name: str
    sentence: str
    lawful_basis: LawfulBasis = LawfulBasis.CONSENT
    retention_months: int = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDraft:
    """What one can join. `frequency` is in words (`about once a month`), `language` an ISO 639-1 code."""

    name: str
    frequency: str
    purpose: Purpose
    sender: Sender
    description: str = ""
    language: str = "en"


def read_purpose_draft(given: Mapping[str, str]) -> PurposeDraft:
    """The purpose that a form describes. Raises Invalid with a message per field."""
    answers = Answers(given)
    basis = answers.choice("lawful_basis", [kind.value for kind in LawfulBasis])
    name = answers.line("name", required=True)
    sentence = answers.line("sentence", required=True, longest=LONGEST_SENTENCE)
    months = answers.whole(
        "retention_months", smallest=RETENTION_LIMITS[0], largest=RETENTION_LIMITS[1]
    )
    answers.check()
    return PurposeDraft(
        name=name,
        sentence=sentence,
        lawful_basis=LawfulBasis(basis),
        retention_months=months,
    )


def read_list_draft(
    given: Mapping[str, str], *, purposes: Sequence[Purpose], senders: Sequence[Sender]
) -> ListDraft:
    """The list that a form describes; `purpose` and `sender` are public ids among those given.

    Raises Invalid with a message per field.
    """
    answers = Answers(given)
    purpose_of = {purpose.public_id: purpose for purpose in purposes}
    sender_of = {sender.public_id: sender for sender in senders}
    name = answers.line("name", required=True)
    description = answers.text("description", longest=LONGEST_DESCRIPTION)
    frequency = answers.line("frequency", required=True)
    purpose_id = answers.choice("purpose", purpose_of)
    sender_id = answers.choice("sender", sender_of)
    language = answers.choice("language", LANGUAGES)
    answers.check()
    return ListDraft(
        name=name,
        description=description,
        frequency=frequency,
        purpose=purpose_of[purpose_id],
        sender=sender_of[sender_id],
        language=language,
    )
