"""The privacy notice and the imprint of an organisation."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from mailer import consent, organisations
from mailer.consent import Notice
from mailer.foundation.errors import NotFound
from mailer.organisations import Organisation

bp = Blueprint("notice", __name__)


@bp.get("/notice/<organisation_id>")
def newest(organisation_id: str) -> ResponseReturnValue:
    """The newest version of the notice."""
    organisation = organisations.get_organisation(organisation_id)
    notice = consent.current_notice(organisation)
    if notice is None:
        raise NotFound("This privacy notice is not published yet.")
    return _page(organisation, notice)


@bp.get("/notice/<organisation_id>/<int:number>")
def numbered(organisation_id: str, number: int) -> ResponseReturnValue:
    """One version of the notice, as it was published."""
    organisation = organisations.get_organisation(organisation_id)
    # Beyond what a row number holds the database could not even be asked.
    if number > 2**31:
        raise NotFound("This version of the privacy notice does not exist.")
    return _page(organisation, consent.get_notice_numbered(organisation, number))


@bp.get("/imprint/<organisation_id>")
def imprint(organisation_id: str) -> ResponseReturnValue:
    """Who is behind the mails."""
    organisation = organisations.get_organisation(organisation_id)
    has_notice = consent.current_notice(organisation) is not None
    return render_template(
        "public/imprint.html",
        organisation_name=organisation.name,
        lines=organisations.imprint_lines(organisation),
        notice_url=f"/notice/{organisation.public_id}" if has_notice else "",
        page_url=organisations.page_url(organisation.public_id),
    )


def _page(organisation: Organisation, notice: Notice) -> str:
    versions = [(item.number, item.published_at) for item in consent.list_notices(organisation)]
    text = consent.read_notice(notice)
    return render_template(
        "public/notice.html",
        organisation_name=organisation.name,
        language=text.language,
        text=text,
        number=notice.number,
        published_at=notice.published_at,
        versions=versions,
        base=f"/notice/{organisation.public_id}",
        imprint_url=f"/imprint/{organisation.public_id}",
        page_url=organisations.page_url(organisation.public_id),
    )
