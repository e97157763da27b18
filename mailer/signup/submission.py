"""A form was submitted: write down what was asked, and owe the person one confirmation mail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from mailer import consent, transactional
from mailer.consent import About, Matter
from mailer.forms import FormVersion
from mailer.foundation import driver
from mailer.foundation.addresses import Address, parse_address
from mailer.foundation.clock import iso, now
from mailer.foundation.context import settings
from mailer.foundation.database import db, serialise_on
from mailer.foundation.ids import new_id
from mailer.foundation.networks import truncate_ip
from mailer.lists import MailingList, get_list, get_list_by_id
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.signup.confirmation_mail import Invitation, write_confirmation
from mailer.signup.models import RequestState, SignupChoice, SignupRequest
from mailer.suppression import Scope, find_blocked
from mailer.transactional import ReadyMail

# In the driver's words: signing up is the busiest door of the house.
_ADD_REQUEST: Final = (
    "INSERT INTO signup_requests (public_id, organisation_id, form_version_id, subject_id, address,"  # noqa: S608  # made of constants and marks
    " address_digest, mailbox_digest, network_digest, answers, language, requested_at, expires_at, held_at,"
    " state)"
    f" VALUES (?, ?, ?, {consent.SUBJECT_ID}, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{RequestState.PENDING}')"
)
_ADD_CHOICE: Final = (
    "INSERT INTO signup_choices (request_id, matter, mailing_list_id, record_id)"  # noqa: S608  # made of constants and marks
    f" VALUES ((SELECT id FROM signup_requests WHERE public_id = ?), ?, ?, {consent.RECORD_ID})"
)

MAILS_PER_WEEK = 3  # per mailbox and organisation, S-031
MAILS_PER_WEEK_ANYWHERE = 9  # per mailbox on this whole instance, S-031


class Recent(NamedTuple):
    """A request of the last days that nobody confirmed: its row id, who asked, when, whether it is held."""

    id: int
    organisation_id: int
    requested_at: datetime
    is_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One box of the form as it stood: what it was about, its words, and whether it was ticked."""

    matter: Matter
    mailing_list_id: int | None
    label: str
    is_ticked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A form as somebody submitted it. `evidence` holds leg (a) of the proof (C-041).

    `network` is a digest of where they came from; `is_held` says that limits hold the request back.
    """

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
    network: str = ""
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class ReadyRequest:
    """A request with its evidence sealed and its mail written; only leave to write its rows is missing."""

    public_id: str
    organisation_id: int
    digest: str
    mailbox: str
    is_held: bool
    list_ids: frozenset[int]
    answers: consent.SealedAnswers
    row: driver.Row
    choices: tuple[driver.Row, ...]
    mail: ReadyMail

    @property
    def person(self) -> tuple[int, str]:
        """Who asks whom."""
        return self.organisation_id, self.digest


def request(submission: Submission) -> str | None:
    """Write the request and plan its confirmation mail; returns its public id, or None when no mail may go.

    The caller answers alike in all cases (S-032). At most one mail per mailbox and list a day and three
    per mailbox a week (S-031), of those that were not confirmed; none to an address whose owner blocked us
    (C-082). A request that is held is owed no mail until `release_held`.
    """
    if not _list_ids(submission):
        return None
    return request_many([prepare(submission)])[0]


def request_many(ready: Sequence[ReadyRequest]) -> list[str | None]:
    """Like `request`, for several people at once and in their order."""
    serialise_on(*(f"signup:{one.mailbox}" for one in ready))
    taken: set[str] = set()
    for part in _apart(ready):
        free = _without_blocked(part)
        if not free:
            continue
        recent = find_recent([one.mailbox for one in free])
        granted = [one for one in free if _may_write(one, recent.get(one.mailbox, []))]
        if granted:
            _write(granted)
            taken.update(one.public_id for one in granted)
    return [one.public_id if one.public_id in taken else None for one in ready]


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


def _apart(ready: Sequence[ReadyRequest]) -> list[list[ReadyRequest]]:
    """Parts in which no mailbox stands twice: the second of the same is judged after the first is written."""
    parts: list[list[ReadyRequest]] = []
    seen: dict[str, int] = {}
    for one in ready:
        place = seen.get(one.mailbox, 0)
        seen[one.mailbox] = place + 1
        if place == len(parts):
            parts.append([])
        parts[place].append(one)
    return parts


def _without_blocked(part: Sequence[ReadyRequest]) -> list[ReadyRequest]:
    blocked = find_blocked([one.person for one in part], scope=Scope.ALL_MAIL)
    return [one for one in part if one.person not in blocked]


def find_recent(mailboxes: Sequence[str]) -> dict[str, list[Recent]]:
    """What was asked for each mailbox in the last seven days and not confirmed, on this whole instance."""
    rows = driver.read_rows(
        "SELECT mailbox_digest, id, organisation_id, requested_at, held_at FROM signup_requests"  # noqa: S608  # made of constants and marks
        f" WHERE mailbox_digest IN ({driver.marks(len(mailboxes))}) AND requested_at > ?"
        f" AND state <> '{RequestState.CONFIRMED}'",
        (*mailboxes, driver.moment_in(now() - timedelta(days=7))),
    )
    found: dict[str, list[Recent]] = {}
    for mailbox, row_id, organisation_id, requested_at, held_at in rows:
        asked_at = driver.moment_out(requested_at)
        recent = Recent(row_id, organisation_id, asked_at, is_held=held_at is not None)
        found.setdefault(mailbox, []).append(recent)
    return found


def _may_write(asking: ReadyRequest, recent: Sequence[Recent]) -> bool:
    # What is held has brought no mail, so it stands in nobody's way but that of others that are held.
    counted = recent if asking.is_held else [row for row in recent if not row.is_held]
    return may_mail(asking.organisation_id, asking.list_ids, counted)


def may_mail(organisation_id: int, list_ids: frozenset[int], recent: Sequence[Recent]) -> bool:
    """Whether a mailbox that was asked for so often may get one more mail about these lists (S-031)."""
    here = [row for row in recent if row.organisation_id == organisation_id]
    if len(here) >= MAILS_PER_WEEK or len(recent) >= MAILS_PER_WEEK_ANYWHERE:
        return False
    yesterday = now() - timedelta(days=1)
    today = [row.id for row in here if row.requested_at > yesterday]
    if not today:
        return True
    mailed = set(
        db.session.scalars(
            sa.select(SignupChoice.mailing_list_id).where(SignupChoice.request_id.in_(today))
        )
    )
    return bool(list_ids - mailed)


def _write(granted: Sequence[ReadyRequest]) -> None:
    with driver.in_one_go():
        consent.record_answers([one.answers for one in granted])
        driver.execute_each(_ADD_REQUEST, [one.row for one in granted])
        driver.execute_each(_ADD_CHOICE, [row for one in granted for row in one.choices])
        transactional.plan_ready([one.mail for one in granted if not one.is_held])


def prepare(submission: Submission) -> ReadyRequest:
    """Everything about a request that needs no unit of work; at least one list has to be ticked.

    Raises Unavailable when the person's key cannot be kept.
    """
    organisation, address, moment = submission.organisation, submission.address, now()
    public_id, expires_at = new_id("req"), moment + timedelta(days=settings().confirmation_days)
    abouts = [_about(submission, control) for control in submission.controls]
    evidence = _evidence(submission, public_id, moment, abouts)
    ticks = [control.is_ticked for control in submission.controls]
    answers = consent.seal_answers(organisation, list(zip(abouts, ticks, strict=True)), evidence)
    answered = zip(abouts, answers.records, ticks, strict=True)
    chosen = [(about, record.public_id) for about, record, is_ticked in answered if is_ticked]
    lists = [about.mailing_list for about, _ in chosen if about.mailing_list is not None]
    digest, mailbox = address.digest, address.mailbox_digest
    invitation = Invitation(public_id, address.given, digest, expires_at)
    return ReadyRequest(
        public_id=public_id,
        organisation_id=organisation.id,
        digest=digest,
        mailbox=mailbox,
        is_held=submission.is_held,
        list_ids=_list_ids(submission),
        answers=answers,
        row=(
            public_id,
            organisation.id,
            submission.version.id,
            answers.subject,
            address.given,
            digest,
            mailbox,
            submission.network or None,
            _answers(submission),
            submission.language,
            driver.moment_in(moment),
            driver.moment_in(expires_at),
            driver.moment_in(moment) if submission.is_held else None,
        ),
        choices=tuple(
            (
                public_id,
                about.matter.value,
                about.mailing_list.id if about.mailing_list else None,
                record,
            )
            for about, record in chosen
        ),
        mail=write_confirmation(organisation, invitation, lists),
    )


def _answers(submission: Submission) -> str:
    return json.dumps(
        {
            "first_name": submission.first_name,
            "last_name": submission.last_name,
            "fields": dict(submission.fields or {}),
        }
    )


def _list_ids(submission: Submission) -> frozenset[int]:
    return frozenset(
        control.mailing_list_id
        for control in submission.controls
        if control.is_ticked and control.mailing_list_id
    )


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
