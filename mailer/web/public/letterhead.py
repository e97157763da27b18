"""What stands around every public page, and what is noted of who pressed a button there."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import render_template, request, url_for

from mailer import contacts, imports, organisations, signup, suppression
from mailer.foundation.clock import iso, now
from mailer.foundation.networks import truncate_ip
from mailer.foundation.tokens import digest
from mailer.organisations import Organisation
from mailer.web import filters

_PUBLIC_ID = re.compile(r"(?:con|req|prm|sup|org)_[\w-]{22}", re.ASCII)
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


def act_evidence(method: str, token: str, **more: Any) -> dict[str, Any]:
    """Who pressed, as far as a web server can tell; the token as its digest only (C-043, S-002)."""
    return {
        "leg": "act",
        "method": method,
        "at": iso(now()),
        "ip": truncate_ip(request.remote_addr or ""),
        "user_agent": request.user_agent.string[:300],
        "token_sha256": digest(token),
        **more,
    }


def nothing_known() -> str:
    """The same quiet answer to a link of ours for everybody who is not known any more (E-024)."""
    found = organisation_behind(request.path)
    around = letterhead(found) if found is not None else {"language": "en"}
    return render_template("public/nothing_known.html", **around)


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
    for part in re.findall(r"[\w-]{8,}", path, re.ASCII)[:4]:
        padded = part + "=" * (-len(part) % 4)
        texts.append(
            base64.urlsafe_b64decode(padded).decode("ascii", "ignore") if len(padded) < 400 else ""
        )
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
