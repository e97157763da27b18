"""For whom the mail of a campaign can be made: asked of the renderer once for all who are alike to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mailer.campaigns.drafting import content_of
from mailer.campaigns.models import Campaign
from mailer.contacts import STANDARD_FIELDS, list_field_names
from mailer.foundation.driver import is_postgresql
from mailer.foundation.errors import Invalid
from mailer.organisations import get_organisation_by_id, imprint_lines
from mailer.rendering import CompiledContent, Values, compile_content, personal_names

_ANY_TEXT = "x"  # stands for every text where it only counts that there is one
_LINK = "https://example.org/x"


class Renderable:
    """Tells for whom the mail can be made; `columns` are SQL of the contact `c`, one for each value asked for.

    A campaign whose content cannot be compiled is told of elsewhere; here it can be made for everybody.
    """

    def __init__(self, campaign: Campaign) -> None:
        organisation = get_organisation_by_id(campaign.organisation_id)
        self._content: CompiledContent | None = None
        names: dict[str, bool] = {}
        try:
            self._content = compile_content(
                content_of(campaign), contact_fields=list_field_names(organisation)
            )
            names = personal_names(self._content)
        except Invalid:
            pass
        self._names = sorted(names)
        self.columns = [_column(name, weighs=names[name]) for name in self._names]
        self._known: dict[tuple[Any, ...], bool] = {}
        self._campaign = {
            "subject": campaign.subject,
            "unsubscribe_url": _LINK,
            "preferences_url": _LINK,
        }
        self._organisation = {
            "name": organisation.name,
            "legal_name": organisation.legal_name,
            "imprint": "\n".join(imprint_lines(organisation)),
            "contact_email": organisation.contact_email,
            "privacy_notice_url": _LINK,
        }

    def can_render(self, values: Sequence[Any]) -> bool:
        """Whether the renderer makes the mail for a person whose `columns` are these."""
        key = tuple(values)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._try(key)
        return known

    def _try(self, values: tuple[Any, ...]) -> bool:
        if self._content is None:
            return True
        contact = {
            name: value if name in STANDARD_FIELDS or value is None else json.loads(value)
            for name, value in zip(self._names, values, strict=True)
        }
        try:
            self._content.render(
                Values(
                    contact=contact,
                    campaign=self._campaign,
                    organisation=self._organisation,
                    why="x",
                )
            )
        except Invalid:
            return False
        return True


def _column(name: str, *, weighs: bool) -> str:
    """SQL: the value as it is, own fields as JSON; one word for most texts where none weighs more."""
    if name in STANDARD_FIELDS:
        value = text = "c.address" if name == "email" else f"c.{name}"
        stands_for, is_text = f"'{_ANY_TEXT}'", ""
    else:
        # A name in a placeholder is an identifier, so it needs no quoting.
        value, text = f"CAST(c.fields -> '{name}' AS text)", f"(c.fields ->> '{name}')"
        stands_for, is_text = f"'\"{_ANY_TEXT}\"'", f"substr({value}, 1, 1) = '\"' AND "
    if weighs:
        return value
    if is_postgresql():
        has_mark, has_line_end = f"{text} ~ '[A-Za-z0-9]'", f"strpos({text}, chr(10)) > 0"
    else:
        has_mark, has_line_end = f"{text} GLOB '*[A-Za-z0-9]*'", f"instr({text}, char(10)) > 0"
    return (
        f"CASE WHEN {is_text}{has_mark} AND NOT {has_line_end} THEN {stands_for} ELSE {value} END"
    )
