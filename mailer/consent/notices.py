"""The privacy notice of an organisation: composed from its facts, stored as it reads, in numbered versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import rfc8785
import sqlalchemy as sa

from mailer import lists, organisations
from mailer.consent.models import Notice
from mailer.consent.notice_sections import (
    Aim,
    Controller,
    ListFacts,
    NoticeText,
    Section,
    compose,
)
from mailer.consent.texts import get_text, store_text
from mailer.foundation.database import db, serialise_on
from mailer.foundation.errors import NotFound

MEDIA_TYPE = "application/json"


def compose_notice(organisation: organisations.Organisation) -> NoticeText:
    """The notice as it would read if it were published now (GDPR Art. 13, C-007)."""
    purposes = lists.list_purposes(organisation)
    served = lists.list_lists(organisation)
    return compose(
        _controller(organisation),
        [
            Aim(
                name=purpose.name,
                sentence=purpose.sentence,
                basis=str(purpose.lawful_basis),
                retention_months=purpose.retention_months,
                lists=tuple(
                    ListFacts(
                        name=item.name, description=item.description, frequency=item.frequency
                    )
                    for item in served
                    if item.purpose_id == purpose.id
                ),
            )
            for purpose in purposes
        ],
    )


def publish_notice(organisation: organisations.Organisation) -> Notice:
    """The newest version of the notice; a new one only when its text has changed since the last."""
    serialise_on(f"notice:{organisation.id}")
    sha256 = store_text(rfc8785.dumps(_plain(compose_notice(organisation))), MEDIA_TYPE)
    newest = current_notice(organisation)
    if newest is not None and newest.text_sha256 == sha256:
        return newest
    notice = Notice(
        organisation_id=organisation.id,
        number=newest.number + 1 if newest else 1,
        text_sha256=sha256,
    )
    db.session.add(notice)
    db.session.flush()
    return notice


def is_notice_published(organisation: organisations.Organisation) -> bool:
    """Whether the newest published version says what the facts say now."""
    newest = current_notice(organisation)
    return newest is not None and read_notice(newest) == compose_notice(organisation)


def current_notice(organisation: organisations.Organisation) -> Notice | None:
    """The newest published version, or None."""
    return db.session.scalar(
        sa.select(Notice)
        .where(Notice.organisation_id == organisation.id)
        .order_by(Notice.number.desc())
        .limit(1)
    )


def list_notices(organisation: organisations.Organisation) -> Sequence[Notice]:
    """All versions, newest first."""
    return db.session.scalars(
        sa.select(Notice)
        .where(Notice.organisation_id == organisation.id)
        .order_by(Notice.number.desc())
    ).all()


def get_notice(public_id: str) -> Notice:
    """The version with this public id. Raises NotFound."""
    return _found(db.session.scalar(sa.select(Notice).where(Notice.public_id == public_id)))


def get_notice_by_id(notice_id: int) -> Notice:
    """The version with this row id, as other tables name it. Raises NotFound."""
    return _found(db.session.get(Notice, notice_id))


def get_notice_numbered(organisation: organisations.Organisation, number: int) -> Notice:
    """Version `number` of the organisation's notice. Raises NotFound."""
    return _found(
        db.session.scalar(
            sa.select(Notice).where(
                Notice.organisation_id == organisation.id, Notice.number == number
            )
        )
    )


def read_notice(notice: Notice) -> NoticeText:
    """The stored text of a version, as it was published."""
    stored: dict[str, Any] = json.loads(get_text(notice.text_sha256).body)
    return NoticeText(
        title=stored["title"],
        language=stored["language"],
        controller=stored["controller"],
        sections=tuple(
            Section(
                key=section["key"],
                heading=section["heading"],
                paragraphs=tuple(section["paragraphs"]),
                points=tuple(section["points"]),
            )
            for section in stored["sections"]
        ),
    )


def _controller(organisation: organisations.Organisation) -> Controller:
    place = f"{organisation.postcode} {organisation.city}".strip()
    dpo = ", ".join(part for part in (organisation.dpo_name, organisation.dpo_contact) if part)
    return Controller(
        name=organisation.name,
        legal_name=organisation.legal_name,
        address_lines=tuple(
            part
            for part in (
                organisation.street,
                place,
                organisations.country_name(organisation.country),
            )
            if part
        ),
        contact_email=organisation.contact_email,
        phone=organisation.phone,
        dpo=dpo,
        representative=organisation.representative,
        authority_name=organisation.authority_name,
        authority_url=organisation.authority_url,
        recipients=organisations.told_recipients(organisation),
        transfers=organisations.told_transfers(organisation),
        brought_from=None
        if organisation.address_sources is None
        else tuple(map(str, organisation.address_sources)),
    )


def _plain(text: NoticeText) -> Any:
    return text.to_json()


def _found(notice: Notice | None) -> Notice:
    if notice is None:
        raise NotFound("This version of the privacy notice does not exist.")
    return notice
