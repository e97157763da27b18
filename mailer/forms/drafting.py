"""Making and changing forms, until they are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from mailer.forms.definitions import FormDefinition
from mailer.forms.models import Form
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound, Stale
from mailer.organisations import Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDraft:
    """What an editor saves in one go."""

    name: str
    definition: FormDefinition
    allowed_origins: tuple[str, ...] = ()


def create_form(organisation: Organisation, draft: FormDraft) -> Form:
    """A new form; nobody sees it before it is published."""
    form = Form(
        organisation_id=organisation.id,
        name=draft.name,
        draft=draft.definition.to_json(),
        allowed_origins=list(draft.allowed_origins),
    )
    db.session.add(form)
    db.session.flush()
    return form


def change_form(form: Form, draft: FormDraft, revision: int) -> Form:
    """Save `draft` over revision `revision`. Raises Stale when somebody saved in between.

    Origins take effect at once, texts and controls with the next publication.
    """
    changed = db.session.execute(
        sa.update(Form)
        .where(Form.id == form.id, Form.revision == revision)
        .values(
            name=draft.name,
            draft=draft.definition.to_json(),
            allowed_origins=list(draft.allowed_origins),
            revision=Form.revision + 1,
        )
        .execution_options(synchronize_session=False)
        .returning(Form.id)
    ).first()
    if changed is None:
        raise Stale(
            "Somebody else saved this form meanwhile. What you typed is kept below; compare it with "
            "theirs before you save again."
        )
    db.session.refresh(form)
    return form


def open_form(form: Form) -> None:
    """Take requests through this form again."""
    form.is_open = True


def close_form(form: Form) -> None:
    """Take no more requests through this form, at once (S-034)."""
    form.is_open = False


def archive_form(form: Form) -> None:
    """Put the form away: closed, and no longer listed; its versions stay as evidence (C-045)."""
    form.is_open = False
    form.archived_at = form.archived_at or now()


def list_forms(organisation: Organisation) -> Sequence[Form]:
    """The forms in use, newest first."""
    return db.session.scalars(
        sa.select(Form)
        .where(Form.organisation_id == organisation.id, Form.archived_at.is_(None))
        .order_by(Form.id.desc())
    ).all()


def get_form(organisation: Organisation, public_id: str) -> Form:
    """A form of this organisation. Raises NotFound."""
    form = db.session.scalar(
        sa.select(Form).where(Form.organisation_id == organisation.id, Form.public_id == public_id)
    )
    if form is None:
        raise NotFound("There is no such form.")
    return form
