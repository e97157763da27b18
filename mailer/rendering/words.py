"""The few words we add to an author's mail, in the languages we speak."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mailer.foundation.languages import primary_language


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. `long_date` and `short_date` take day, month, month_name and year."""

    unsubscribe: str
    preferences: str
    privacy_notice: str
    counting: str
    stop_counting: str
    yes: str
    no: str
    months: tuple[str, ...]
    long_date: str
    short_date: str

    def spell_date(self, day: date, style: str) -> str:
        """Return the date in the style `long`, `short` or `iso`."""
        if style == "iso":
            return day.isoformat()
        pattern = self.long_date if style == "long" else self.short_date
        return pattern.format(
            day=day.day, month=day.month, month_name=self.months[day.month - 1], year=day.year
        )


_ENGLISH = Words(
    unsubscribe="Unsubscribe",
    preferences="Change what you receive",
    privacy_notice="Privacy notice",
    counting="We count which links in this mail you follow, because you agreed to it.",
    stop_counting="Stop only the counting",
    yes="yes",
    no="no",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    long_date="{day} {month_name} {year}",
    short_date="{day:02d}/{month:02d}/{year}",
)
_GERMAN = Words(
    unsubscribe="Abmelden",
    preferences="Ändern, was Sie erhalten",
    privacy_notice="Datenschutzhinweise",
    counting="Wir zählen, welchen Links in dieser Nachricht Sie folgen, weil Sie dem zugestimmt haben.",
    stop_counting="Nur das Zählen beenden",
    yes="ja",
    no="nein",
    months=(
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    long_date="{day}. {month_name} {year}",
    short_date="{day:02d}.{month:02d}.{year}",
)
_SLOVAK = Words(
    unsubscribe="Odhlásiť sa z odberu",
    preferences="Zmeniť, čo dostávate",
    privacy_notice="Informácie o ochrane osobných údajov",
    counting="Počítame, na ktoré odkazy v tejto správe kliknete, pretože ste s tým súhlasili.",
    stop_counting="Ukončiť len počítanie",
    yes="áno",
    no="nie",
    months=(
        "januára",
        "februára",
        "marca",
        "apríla",
        "mája",
        "júna",
        "júla",
        "augusta",
        "septembra",
        "októbra",
        "novembra",
        "decembra",
    ),
    long_date="{day}. {month_name} {year}",
    short_date="{day}. {month}. {year}",
)
_CZECH = Words(
    unsubscribe="Odhlásit se z odběru",
    preferences="Změnit, co dostáváte",
    privacy_notice="Informace o ochraně osobních údajů",
    counting="Počítáme, na které odkazy v této zprávě kliknete, protože jste s tím souhlasili.",
    stop_counting="Ukončit jen počítání",
    yes="ano",
    no="ne",
    months=(
        "ledna",
        "února",
        "března",
        "dubna",
        "května",
        "června",
        "července",
        "srpna",
        "září",
        "října",
        "listopadu",
        "prosince",
    ),
    long_date="{day}. {month_name} {year}",
    short_date="{day}. {month}. {year}",
)
_BY_LANGUAGE = {"en": _ENGLISH, "de": _GERMAN, "sk": _SLOVAK, "cs": _CZECH}
_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


def words_for(language: str) -> Words:
    """Return our words in a language (BCP 47 tag), in English where we do not speak it."""
    return _BY_LANGUAGE.get(primary_language(language), _ENGLISH)


def direction_of(language: str) -> str:
    """Return `rtl` or `ltr` for a language (BCP 47 tag)."""
    return "rtl" if primary_language(language) in _RIGHT_TO_LEFT else "ltr"
