"""A form in plain values: what pages, previews, embed code and the script embed are drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mailer.consent import Notice
from mailer.forms import HONEYPOT, FormDefinition, PublishedForm
from mailer.foundation.context import settings
from mailer.organisations import Organisation, page_url

_AUTOCOMPLETE = {"first_name": "given-name", "last_name": "family-name"}


def describe_published(published: PublishedForm) -> dict[str, Any]:
    """The newest version of a form as visitors see it; holds no rows, so it outlives a lost database."""
    offered = {item.key for item in published.controls}
    return _describe(
        published.form.public_id,
        published.organisation,
        published.definition,
        number=published.notice.number,
        offered=offered,
    )


def describe_draft(
    form_id: str, organisation: Organisation, definition: FormDefinition, notice: Notice | None
) -> dict[str, Any]:
    """A draft as visitors would see it."""
    offered = {item.key for item in definition.controls}
    number = notice.number if notice else 1
    return _describe(form_id, organisation, definition, number=number, offered=offered)


def _describe(
    form_id: str,
    organisation: Organisation,
    definition: FormDefinition,
    *,
    number: int,
    offered: Iterable[str],
) -> dict[str, Any]:
    public_url = settings().public_url
    shown = set(offered)
    return {
        "id": form_id,
        "url": f"{public_url}/f/{form_id}",
        "organisation": organisation.name,
        "title": definition.title,
        "intro": definition.intro,
        "language": definition.language,
        "button": definition.button,
        "success": definition.success,
        "fields": [
            {
                "name": item.name,
                "label": item.label,
                "is_required": item.is_required,
                "autocomplete": _AUTOCOMPLETE.get(item.key, "off"),
            }
            for item in definition.fields
        ],
        "controls": [
            {"name": item.key, "label": item.label}
            for item in definition.controls
            if item.key in shown
        ],
        "slots": [
            {"key": key, "heading": heading, "text": text}
            for key, heading, text in definition.disclosure.slots()
        ],
        "notice_url": f"{public_url}/notice/{organisation.public_id}/{number}",
        "imprint_url": f"{public_url}/imprint/{organisation.public_id}",
        "page_url": page_url(organisation.public_id),
        "honeypot": HONEYPOT,
    }
