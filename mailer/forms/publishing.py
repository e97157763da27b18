"""Freezing a form: every publication is a version whose text is stored under its hash (C-041, C-044)."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785
import sqlalchemy as sa

from mailer import consent, lists, organisations
from mailer.consent import Matter, Notice
from mailer.forms.definitions import Control, FormDefinition
from mailer.forms.drafting import list_forms
from mailer.forms.missing import missing_for_publication
from mailer.forms.models import Form, FormVersion
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from mailer.foundation.remembered import Memory
from mailer.lists import MailingList
from mailer.organisations import Organisation

MEDIA_TYPE = "application/json"
_published: Memory[PublishedForm | None] = Memory(
    "forms", "forms", "form_versions", "organisations", "mailing_lists", "purposes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedControl:
    """A box as it is shown, with the row id of the list it is for."""

    key: str
    matter: Matter
    label: str
    mailing_list_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedForm:
    """Everything needed to show the newest version of a form and to take an answer to it."""

    form: Form
    version: FormVersion
    organisation: Organisation
    notice: Notice
    definition: FormDefinition
    controls: tuple[OfferedControl, ...]
    lists: tuple[MailingList, ...]  # those of the controls

    @property
    def is_open(self) -> bool:
        """Whether requests are taken: not closed by hand, and a list left to join."""
        return self.form.is_open and any(item.matter is Matter.MAILING for item in self.controls)


def publish(form: Form) -> FormVersion:
    """Freeze the draft as a new version, with the notice it links to.

    Publishing what is already published changes nothing. Raises Invalid with what is missing.
    """
    missing = missing_for_publication(form)
    if missing:
        raise Invalid(
            "The form was not published. Please put right what is missing.",
            {item.where: item.message for item in missing},
        )
    if form.archived_at is not None:
        raise NotAllowed("This form is archived. Make a new one.")
    serialise_on(f"form:{form.id}")
    notice = consent.publish_notice(organisations.get_organisation_by_id(form.organisation_id))
    sha256 = consent.store_text(frozen_text(form, notice), MEDIA_TYPE)
    newest = find_newest_version(form)
    if newest is not None and newest.definition_sha256 == sha256:
        return newest
    version = FormVersion(
        form_id=form.id,
        number=newest.number + 1 if newest else 1,
        definition_sha256=sha256,
        notice_id=notice.id,
    )
    db.session.add(version)
    db.session.flush()
    return version


def frozen_text(form: Form, notice: Notice) -> bytes:
    """The canonical bytes (RFC 8785) of a version: the definition and what it refers to, in full."""
    organisation = organisations.get_organisation_by_id(form.organisation_id)
    definition = FormDefinition.from_json(form.draft)
    asked = {name for control in definition.controls for name in control.lists}
    plain: Any = {
        "kind": "form-version",
        "form": form.public_id,
        "organisation": {
            "id": organisation.public_id,
            "name": organisation.name,
            "legal_name": organisation.legal_name,
        },
        "definition": definition.to_json(),
        "lists": [
            {
                "id": item.public_id,
                "name": item.name,
                "description": item.description,
                "frequency": item.frequency,
                "purpose": item.purpose.sentence,
                "lawful_basis": str(item.purpose.lawful_basis),
            }
            for item in sorted(lists.list_lists(organisation), key=lambda item: item.public_id)
            if item.public_id in asked
        ],
        "notice": {"number": notice.number, "sha256": notice.text_sha256},
    }
    return rfc8785.dumps(plain)


def has_unpublished_changes(form: Form) -> bool:
    """Whether publishing now would make a new version: the draft, a list or the notice changed."""
    version = find_newest_version(form)
    if version is None:
        return True
    organisation = organisations.get_organisation_by_id(form.organisation_id)
    if not consent.is_notice_published(organisation):
        return True
    newest = consent.current_notice(organisation)
    if newest is None or newest.id != version.notice_id:
        return True
    return frozen_text(form, newest) != consent.get_text(version.definition_sha256).body


def find_published(public_id: str) -> PublishedForm | None:
    """The newest version of a form by the form's public id; None when it was never published.

    It may be a second old, where another process has changed it.
    """
    if "\x00" in public_id:  # PostgreSQL could not even be asked
        return None
    return _published.ask(public_id, lambda: _read_published(public_id))


def list_open(organisation: Organisation) -> list[PublishedForm]:
    """The published forms that take requests, newest first."""
    published = [find_published(form.public_id) for form in list_forms(organisation)]
    return [one for one in published if one is not None and one.is_open]


def _read_published(public_id: str) -> PublishedForm | None:
    form = db.session.scalar(sa.select(Form).where(Form.public_id == public_id))
    version = find_newest_version(form) if form is not None else None
    if form is None or version is None:
        return None
    organisation = organisations.get_organisation_by_id(form.organisation_id)
    definition = read_version(version)
    in_use = {item.public_id: item for item in lists.list_lists(organisation)}
    controls = _offered(in_use, definition.controls)
    asked = {control.mailing_list_id for control in controls}
    return PublishedForm(
        form=form,
        version=version,
        organisation=organisation,
        notice=consent.get_notice_by_id(version.notice_id),
        definition=definition,
        controls=controls,
        lists=tuple(item for item in in_use.values() if item.id in asked),
    )


def find_newest_version(form: Form) -> FormVersion | None:
    """What visitors see of the form; None before its first publication."""
    return db.session.scalar(
        sa.select(FormVersion)
        .where(FormVersion.form_id == form.id)
        .order_by(FormVersion.number.desc())
        .limit(1)
    )


def list_versions(form: Form) -> Sequence[FormVersion]:
    """All versions of the form, newest first."""
    return db.session.scalars(
        sa.select(FormVersion)
        .where(FormVersion.form_id == form.id)
        .order_by(FormVersion.number.desc())
    ).all()


def get_version(form: Form, number: int) -> FormVersion:
    """Version `number` of the form. Raises NotFound."""
    version = db.session.scalar(
        sa.select(FormVersion).where(FormVersion.form_id == form.id, FormVersion.number == number)
    )
    if version is None:
        raise NotFound("This version of the form does not exist.")
    return version


def get_version_by_id(version_id: int) -> FormVersion:
    """The version with this row id, as other tables name it. Raises NotFound."""
    version = db.session.get(FormVersion, version_id)
    if version is None:
        raise NotFound("This version of a form does not exist.")
    return version


def read_version(version: FormVersion) -> FormDefinition:
    """The frozen definition of a version."""
    stored = json.loads(consent.get_text(version.definition_sha256).body)
    return FormDefinition.from_json(stored["definition"])


def frozen_lines(version: FormVersion) -> list[str]:
    """The frozen text of a version, one fact a line, for reading and comparing."""
    stored = json.loads(consent.get_text(version.definition_sha256).body)
    return list(_lines(stored, ""))


def changes_between(older: FormVersion, newer: FormVersion) -> list[tuple[str, str]]:
    """What changed, as (`-` or `+`, line), in reading order."""
    compared = difflib.ndiff(frozen_lines(older), frozen_lines(newer))
    return [(line[0], line[2:]) for line in compared if line[0] in "+-"]


def _lines(value: Any, path: str) -> list[str]:
    if isinstance(value, dict):
        parts = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}.{number}", item) for number, item in enumerate(value, start=1)]
    else:
        shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        return [f"{path}: {shown}"]
    return [line for name, item in parts for line in _lines(item, name)]


def _offered(
    in_use: Mapping[str, MailingList], controls: Sequence[Control]
) -> tuple[OfferedControl, ...]:
    # A list archived after the publication is not offered any more.
    return tuple(
        OfferedControl(
            key=control.key,
            matter=control.matter,
            label=control.label,
            mailing_list_id=in_use[control.lists[0]].id if control.lists else None,
        )
        for control in controls
        if not control.lists or control.lists[0] in in_use
    )
