"""What stands around a public page, and where a dead end leads: to the page of the organisation."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import request, url_for
from sqlalchemy.exc import DBAPIError

from mailer import contacts, imports, organisations, signup, suppression
from mailer.foundation.database import db
from mailer.foundation.errors import MailerError
from mailer.organisations import Organisation
from mailer.web import filters

DEAD_ENDS = frozenset({400, 403, 404, 405, 409, 410, 422, 429})
HAVE_A_LINK = (
    "On the page of {name} you can have a link mailed to your address, and see and change what you "
    "receive."
)
NEWER_MAIL = (
    "If you came from a mail, use the link at the foot of a newer one, or write to its sender; every mail "
    "names one."
)
_PUBLIC_ID = re.compile(r"(?:con|req|prm|sup|org)_[\w-]{16,24}", re.ASCII)
_FINDERS: Mapping[str, Callable[[str], Any]] = {
    "con": contacts.find_any,
    "req": signup.find_request,
    "sup": suppression.find_entry,
}


def letterhead(organisation: Organisation) -> dict[str, Any]:
    """The organisation's name and the links at the foot; times are told in its time zone."""
    filters.speak_for(organisation.time_zone)
    return {
        "organisation": organisation,
        "organisation_name": organisation.name,
        "notice_url": url_for("notice.newest", organisation_id=organisation.public_id),
        "imprint_url": url_for("notice.imprint", organisation_id=organisation.public_id),
        "page_url": organisations.page_url(organisation.public_id),
        "language": "en",
    }


def way_on(code: int) -> dict[str, Any]:
    """What an error page says of where to go: the team to their overview, others to the organisation's page."""
    if request.path.startswith("/admin"):
        return {"action_label": "Back to the overview", "action_url": "/admin/"}
    if code not in DEAD_ENDS:
        return {}
    try:
        organisation = organisation_behind(request.path)
        if organisation is None:
            return {"next": NEWER_MAIL}
        return {
            "next": HAVE_A_LINK.format(name=organisation.name),
            "action_label": f"To the page of {organisation.name}",
            "action_url": organisations.page_url(organisation.public_id),
            **letterhead(organisation),
        }
    except (MailerError, DBAPIError):  # without a database the plain page has to do
        db.session.rollback()
        return {}


def organisation_behind(path: str) -> Organisation | None:
    """Which organisation's page to show to whoever came with a link that leads nowhere.

    What a link names is believed for this choice only, for its signature may be damaged: an organisation's page
    is public. Where it names nothing we know, it is the only organisation of the instance, if there is but one.
    """
    for public_id in _named_in(path):
        organisation_id = _owner_of(public_id)
        if organisation_id is not None:
            return organisations.get_organisation_by_id(organisation_id)
    return organisations.find_only_organisation()


def _named_in(path: str) -> list[str]:
    """The public ids in a path, also those inside of a token that carries JSON."""
    texts = [path]
    for part in re.findall(r"[\w-]{8,400}", path, re.ASCII)[:4]:
        whole = part[:-1] if len(part) % 4 == 1 else part  # of that length base64 has none
        padded = whole + "=" * (-len(whole) % 4)
        texts.append(base64.urlsafe_b64decode(padded).decode("ascii", "ignore"))
    return [name for text in texts for name in _PUBLIC_ID.findall(text)]


def _owner_of(public_id: str) -> int | None:
    """The row id of the organisation that a public id belongs to."""
    kind = public_id.partition("_")[0]
    if kind == "org":
        return organisations.find_organisation_id(public_id)
    if kind == "prm":
        row = imports.find_row(public_id)
        return imports.organisation_of_row(row).id if row is not None else None
    found = _FINDERS[kind](public_id)
    return found.organisation_id if found is not None else None
