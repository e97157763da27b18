"""Settings of the organisation: what it says about itself, and its privacy notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, consent, organisations
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import public_url, see_other


@bp.get("/settings/")
@needs(Right.READ)
def settings() -> ResponseReturnValue:
    """The facts about the organisation."""
    return _identity_page(asdict(organisations.identity_of(signed_in().organisation)))


@bp.post("/settings/")
@needs(Right.MANAGE)
def change_organisation() -> ResponseReturnValue:
    """Replace the facts about the organisation."""
    me = signed_in()
    try:
        with unit_of_work():
            identity = organisations.read_identity(request.form)
            organisations.change_organisation(me.organisation, identity)
            accounts.note(
                me.organisation,
                me.account,
                "changed the facts about the organisation",
                me.organisation.public_id,
            )
    except Invalid as error:
        return _identity_page(request.form, error.fields), 422
    return see_other(url_for(".settings"), "Saved.")


@bp.get("/settings/notice")
@needs(Right.READ)
def privacy_notice() -> ResponseReturnValue:
    """Which version of the notice is published, and whether the facts have changed since."""
    organisation = signed_in().organisation
    return render_template(
        "admin/settings/notice.html",
        current=consent.current_notice(organisation),
        is_up_to_date=consent.is_notice_published(organisation),
        versions=consent.list_notices(organisation),
        missing=organisations.missing_identity(organisation),
        public_url=public_url() + url_for("notice.newest", organisation_id=organisation.public_id),
        imprint_url=public_url()
        + url_for("notice.imprint", organisation_id=organisation.public_id),
    )


@bp.post("/settings/notice")
@needs(Right.MANAGE)
def publish_privacy_notice() -> ResponseReturnValue:
    """Publish the notice as the facts now make it."""
    me = signed_in()
    missing = organisations.missing_identity(me.organisation)
    if missing:
        words = f"The notice cannot be published yet. Still missing: {', '.join(missing)}."
        return see_other(url_for(".privacy_notice"), words, kind="error")
    with unit_of_work():
        notice = consent.publish_notice(me.organisation)
        accounts.note(
            me.organisation,
            me.account,
            "published the privacy notice",
            notice.public_id,
            version=notice.number,
        )
    return see_other(url_for(".privacy_notice"), f"Version {notice.number} is published.")


def _identity_page(given: Mapping[str, str], errors: Mapping[str, str] | None = None) -> str:
    return render_template(
        "admin/settings/organisation.html",
        given=given,
        errors=errors or {},
        missing=organisations.missing_identity(signed_in().organisation),
        countries=sorted(organisations.COUNTRIES.items(), key=lambda pair: pair[1]),
        time_zones=[(name, name.replace("_", " ")) for name in organisations.time_zones()],
    )
