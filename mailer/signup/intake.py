"""A form was submitted: write down what was asked, and owe the person one confirmation mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

import sqlalchemy as sa

from mailer import consent
from mailer.consent import About, Matter
from mailer.forms import FormVersion
from mailer.foundation.addresses import Address, parse_address
from mailer.foundation.clock import iso, now
from mailer.foundation.context import settings
from mailer.foundation.database import db, serialise_on
from mailer.foundation.ids import new_id
from mailer.foundation.networks import truncate_ip
from mailer.lists import MailingList, get_list, get_list_by_id
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.signup.letter import Invitation, plan_confirmation
from mailer.signup.models import SignupChoice, SignupRequest
from mailer.signup.states import RequestState
from mailer.suppression import Scope, is_blocked

_REQUESTS: Final = cast("sa.Table", SignupRequest.__table__)
_CHOICES: Final = cast("sa.Table", SignupChoice.__table__)
# Built once, and without objects: signing up is the busiest door of the house.
_RECENT: Final = sa.select(
    _REQUESTS.c.id, _REQUESTS.c.organisation_id, _REQUESTS.c.requested_at
).where(
    _REQUESTS.c.address_digest == sa.bindparam("digest"),
    _REQUESTS.c.requested_at > sa.bindparam("since"),
)
_ADD_REQUEST: Final = sa.insert(_REQUESTS).returning(_REQUESTS.c.id)
_ADD_CHOICES: Final = sa.insert(_CHOICES)

MAILS_PER_WEEK = 3  # per address and organisation, S-031
MAILS_PER_WEEK_ANYWHERE = 9  # per address on this whole instance, S-031


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One box of the form as it stood: what it was about, its words, and whether it was ticked."""

    matter: Matter
    mailing_list_id: int | None
    label: str
    is_ticked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A form as somebody submitted it. `evidence` holds leg (a) of the proof (C-041)."""

    organisation: Organisation
    version: FormVersion
    address: Address
    language: str
    controls: tuple[Control, ...]
    evidence: Mapping[str, Any]
    first_name: str = ""
    last_name: str = ""
    fields: Mapping[str, str] | None = None
    lists: tuple[MailingList, ...] = ()  # those of the controls, where they are at hand


def request(submission: Submission) -> str | None:
    """Write the request and plan its confirmation mail; returns its public id, or None when no mail may go.

    The caller answers alike in all cases (S-032). At most one mail per address and list a day and three
    per address a week (S-031); none to an address whose owner blocked us (C-082).
    """
    organisation, address = submission.organisation, submission.address
    serialise_on(f"signup:{organisation.id}:{address.digest}")
    ticked = [control for control in submission.controls if control.is_ticked]
    list_ids = {control.mailing_list_id for control in ticked if control.mailing_list_id}
    if is_blocked(organisation, address.digest, scope=Scope.ALL_MAIL):
        return None
    if not _may_mail(organisation, address, list_ids):
        return None
    return _open(submission)


def request_again(old: SignupRequest, evidence: Mapping[str, Any]) -> str | None:
    """A new link for a request whose link has expired, asked for by the holder of the old one.

    None when no mail may go there now, or when what was asked has been erased already.
    """
    if old.address is None or old.state is not RequestState.PENDING:
        return None
    original = consent.read_payload(_record_of(old.choices[0])) or {}
    controls = original.get("evidence", {}).get("controls", [])
    organisation = get_organisation_by_id(old.organisation_id)
    submission = Submission(
        organisation=organisation,
        version=db.session.get_one(FormVersion, old.form_version_id),
        address=parse_address(old.address),
        language=old.language,
        controls=tuple(_control(organisation, entry) for entry in controls),
        evidence={**original.get("evidence", {}), "asked_again": dict(evidence)},
        first_name=old.answers.get("first_name", ""),
        last_name=old.answers.get("last_name", ""),
        fields=old.answers.get("fields", {}),
    )
    return request(submission)


def _may_mail(organisation: Organisation, address: Address, list_ids: set[int]) -> bool:
    moment = now()
    given = {"digest": address.digest, "since": moment - timedelta(days=7)}
    recent = db.session.connection().execute(_RECENT, given).all()
    here = [row for row in recent if row.organisation_id == organisation.id]
    if len(here) >= MAILS_PER_WEEK or len(recent) >= MAILS_PER_WEEK_ANYWHERE:
        return False
    today = [row.id for row in here if row.requested_at > moment - timedelta(days=1)]
    if not today:
        return bool(list_ids)
    mailed = set(
        db.session.scalars(
            sa.select(SignupChoice.mailing_list_id).where(SignupChoice.request_id.in_(today))
        )
    )
    return bool(list_ids - mailed)


def _open(submission: Submission) -> str:
    organisation, moment = submission.organisation, now()
    public_id, expires_at = new_id("req"), moment + timedelta(days=settings().confirmation_days)
    abouts = [_about(submission, control) for control in submission.controls]
    evidence = _evidence(submission, public_id, moment, abouts)
    ticks = [control.is_ticked for control in submission.controls]
    asked = consent.record_answers(organisation, list(zip(abouts, ticks, strict=True)), evidence)
    connection = db.session.connection()
    request_id = connection.execute(
        _ADD_REQUEST,
        {
            "public_id": public_id,
            "organisation_id": organisation.id,
            "form_version_id": submission.version.id,
            "subject_id": asked.subject_id,
            "address": submission.address.given,
            "address_digest": submission.address.digest,
            "answers": {
                "first_name": submission.first_name,
                "last_name": submission.last_name,
                "fields": dict(submission.fields or {}),
            },
            "language": submission.language,
            "state": RequestState.PENDING,
            "requested_at": moment,
            "expires_at": expires_at,
        },
    ).scalar_one()
    answered = zip(submission.controls, abouts, asked.record_ids, strict=True)
    chosen = [(about, record) for control, about, record in answered if control.is_ticked]
    connection.execute(
        _ADD_CHOICES,
        [
            {
                "request_id": request_id,
                "matter": about.matter,
                "mailing_list_id": about.mailing_list.id if about.mailing_list else None,
                "record_id": record,
            }
            for about, record in chosen
        ],
    )
    invitation = Invitation(public_id, submission.address.given, expires_at)
    lists = [about.mailing_list for about, _ in chosen if about.mailing_list is not None]
    plan_confirmation(organisation, invitation, lists)
    return public_id


def _evidence(
    submission: Submission, public_id: str, moment: datetime, abouts: Sequence[About]
) -> dict[str, Any]:
    return {
        **submission.evidence,
        "leg": "submission",
        "request": public_id,
        "address": submission.address.given,
        "submitted_at": submission.evidence.get("submitted_at") or iso(moment),
        "ip": truncate_ip(str(submission.evidence.get("ip") or "")),
        "controls": [
            {
                "matter": control.matter.value,
                "mailing_list": about.mailing_list.public_id if about.mailing_list else "",
                "label": control.label,
                "is_ticked": control.is_ticked,
            }
            for control, about in zip(submission.controls, abouts, strict=True)
        ],
    }


def _about(submission: Submission, control: Control) -> About:
    if control.mailing_list_id is None:
        return consent.TRACKING
    known = {mailing_list.id: mailing_list for mailing_list in submission.lists}
    return About(known.get(control.mailing_list_id) or get_list_by_id(control.mailing_list_id))


def _control(organisation: Organisation, entry: Mapping[str, Any]) -> Control:
    public_id = str(entry["mailing_list"])
    return Control(
        matter=Matter(entry["matter"]),
        mailing_list_id=get_list(organisation, public_id).id if public_id else None,
        label=str(entry["label"]),
        is_ticked=bool(entry["is_ticked"]),
    )


def _record_of(choice: SignupChoice) -> consent.ConsentRecord:
    return db.session.get_one(consent.ConsentRecord, choice.record_id)
