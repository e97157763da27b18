"""The sentence in every footer that says why this person receives the mail. Pure."""

from __future__ import annotations

from calendar import month_name
from datetime import date

_SENTENCES = {
    "en": "You receive this because you subscribed to {name} on {day} {month_name} {year}.",
    "de": "Sie erhalten diese Nachricht, weil Sie {name} am {day}.{month}.{year} abonniert haben.",
    "sk": "Túto správu dostávate, pretože ste sa {day}. {month}. {year} prihlásili na odber {name}.",
    "cs": "Tuto zprávu dostáváte, protože jste se {day}. {month}. {year} přihlásili k odběru {name}.",
}


def why(language: str, list_name: str, on: date) -> str:
    """Why a member of `list_name` since `on` is written to, in `language` (BCP 47) or else in English."""
    primary = language.replace("_", "-").split("-")[0].lower()
    sentence = _SENTENCES.get(primary, _SENTENCES["en"])
    return sentence.format(
        name=list_name, day=on.day, month=on.month, month_name=month_name[on.month], year=on.year
    )
