"""A form was submitted: write down what was asked, and owe the person one confirmation mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from mailer import consent
from mailer.consent import About, Matter
from mailer.forms import FormVersion
from mailer.foundation.addresses import Address, parse_address
from mailer.foundation.clock import iso, now
from mailer.foundation.context import settings
from mailer.foundation.database import db, serialise_on
from mailer.foundation.networks import truncate_ip
from mailer.lists import MailingList, get_list, get_list_by_id
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.signup.letter import plan_confirmation
from mailer.signup.models import SignupChoice, SignupRequest
from mailer.signup.states import RequestState
from mailer.suppression import Scope, find_blocking

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


def request(submission: Submission) -> SignupRequest | None:
    """Write the request and plan its confirmation mail; None when no mail may go there.

    The caller answers alike in all cases (S-032). At most one mail per address and list a day and three
    per address a week (S-031); none to an address whose owner blocked us (C-082).
    """
    organisation, address = submission.organisation, submission.address
    serialise_on(f"signup:{organisation.id}:{address.digest}")
    ticked = [control for control in submission.controls if control.is_ticked]
    list_ids = {control.mailing_list_id for control in ticked if control.mailing_list_id}
    if find_blocking(organisation, address.digest, scope=Scope.ALL_MAIL):
        return None
    if not _may_mail(organisation, address, list_ids):
        return None
    return _open(submission)


def request_again(old: SignupRequest, evidence: Mapping[str, Any]) -> SignupRequest | None:
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
    week_ago, day_ago = now() - timedelta(days=7), now() - timedelta(days=1)
    recent = db.session.execute(
        sa.select(
            SignupRequest.id, SignupRequest.organisation_id, SignupRequest.requested_at
        ).where(
            SignupRequest.address_digest == address.digest, SignupRequest.requested_at > week_ago
        )
    ).all()
    here = [row for row in recent if row.organisation_id == organisation.id]
    if len(here) >= MAILS_PER_WEEK or len(recent) >= MAILS_PER_WEEK_ANYWHERE:
        return False
    today = [row.id for row in here if row.requested_at > day_ago]
    mailed = set(
        db.session.scalars(
            sa.select(SignupChoice.mailing_list_id).where(SignupChoice.request_id.in_(today))
        )
    )
    return bool(list_ids - mailed)


def _open(submission: Submission) -> SignupRequest:
    organisation = submission.organisation
    subject = consent.create_subject(organisation)
    wanted = SignupRequest(
        organisation_id=organisation.id,
        form_version_id=submission.version.id,
        subject_id=subject.id,
        address=submission.address.given,
        address_digest=submission.address.digest,
        answers={
            "first_name": submission.first_name,
            "last_name": submission.last_name,
            "fields": dict(submission.fields or {}),
        },
        language=submission.language,
        state=RequestState.PENDING,
        requested_at=now(),
        expires_at=now() + timedelta(days=settings().confirmation_days),
    )
    db.session.add(wanted)
    db.session.flush()
    # Held for the whole request: the session forgets what nobody holds, and would ask again.
    abouts = [_about(control) for control in submission.controls]
    evidence = _evidence(submission, wanted, abouts)
    lists: list[MailingList] = []
    for control, about in zip(submission.controls, abouts, strict=True):
        if not control.is_ticked:
            consent.record_refused(subject, about, evidence)
            continue
        asked = consent.record_requested(subject, about, evidence)
        if about.mailing_list is not None:
            lists.append(about.mailing_list)
        wanted.choices.append(
            SignupChoice(
                matter=control.matter,
                mailing_list_id=control.mailing_list_id,
                record_id=asked.id,
            )
        )
    db.session.flush()
    plan_confirmation(organisation, wanted, lists)
    return wanted


def _evidence(
    submission: Submission, wanted: SignupRequest, abouts: Sequence[About]
) -> dict[str, Any]:
    return {
        **submission.evidence,
        "leg": "submission",
        "request": wanted.public_id,
        "address": submission.address.given,
        "submitted_at": submission.evidence.get("submitted_at") or iso(wanted.requested_at),
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


def _about(control: Control) -> About:
    if control.mailing_list_id is None:
        return consent.TRACKING
    return About(get_list_by_id(control.mailing_list_id))


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
