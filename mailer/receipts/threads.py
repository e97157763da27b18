"""Threads: everything the ledger holds on one person and one matter, which one record or receipt tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mailer import consent, signup
from mailer.consent import ALLOWS_SENDING, ConsentRecord, Matter, TimelineEntry
from mailer.contacts import Contact, get_linked
from mailer.foundation.database import db
from mailer.foundation.errors import LinkInvalid, NotFound
from mailer.foundation.tokens import Purpose, read_lasting, sign_lasting
from mailer.lists import MailingList, get_list_by_id
from mailer.organisations import Organisation, get_organisation_by_id

TRACKING_TOPIC = "tracking"
_TRACKING_NAME = "Measuring opens and clicks"
_TRACKING_SENTENCE = (
    "To see which mails are opened and which of their links are followed, and to make them better."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What was asked, as it stood when it was asked: mail of a list, or measuring."""

    id: str
    matter: Matter
    name: str
    sentence: str
    description: str = ""
    frequency: str = ""
    retention_months: int | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The records on one person and one topic, oldest first, and whom they concern."""

    contact: Contact
    organisation: Organisation
    subject_id: str
    topic: Topic
    entries: tuple[TimelineEntry, ...]

    @property
    def newest(self) -> TimelineEntry:
        """The last thing that happened."""
        return self.entries[-1]

    @property
    def given(self) -> TimelineEntry | None:
        """The newest consent that was given, ended or not."""
        given = [entry for entry in self.entries if entry.record.state in ALLOWS_SENDING]
        return given[-1] if given else None

    @property
    def ending(self) -> TimelineEntry | None:
        """What ended the newest given consent; None while it stands."""
        given = self.given
        ends = (one for one in self.entries if given and one.record.ends_id == given.record.id)
        return next(ends, None)

    @property
    def is_standing(self) -> bool:
        """Whether any consent of the thread is given and not ended."""
        ended = {entry.record.ends_id for entry in self.entries}
        return any(
            entry.record.state in ALLOWS_SENDING and entry.record.id not in ended
            for entry in self.entries
        )


def list_threads(contact: Contact) -> list[Thread]:
    """All threads of a person, the one where something happened last first."""
    grouped: dict[int | None, list[TimelineEntry]] = {}
    for entry in consent.timeline(signup.subjects_of(contact)):
        grouped.setdefault(entry.record.mailing_list_id, []).append(entry)
    organisation = get_organisation_by_id(contact.organisation_id)
    subject_id = consent.get_subject(contact.subject_id).public_id
    return [
        Thread(
            contact=contact,
            organisation=organisation,
            subject_id=subject_id,
            topic=_topic(list_id, entries),
            entries=tuple(reversed(entries)),
        )
        for list_id, entries in grouped.items()
    ]


def get_thread(contact: Contact, topic_id: str) -> Thread:
    """The thread of a person on a topic: a list's public id, or `tracking`. Raises NotFound."""
    for thread in list_threads(contact):
        if thread.topic.id == topic_id:
            return thread
    raise NotFound("Nothing is recorded about this.")


def sign_link(contact: Contact, topic_id: str = "") -> str:
    """The token of a link to one receipt of a person, or (without a topic) to all (S-001)."""
    return sign_lasting(Purpose.RECEIPT, contact.public_id, topic_id)


def read_link(token: str) -> tuple[Contact, str]:
    """Whose receipts a link shows, and of which topic (empty for all). Raises LinkInvalid."""
    parts = read_lasting(Purpose.RECEIPT, token)
    if len(parts) != 2:
        raise LinkInvalid("This link is damaged or incomplete.")
    return get_linked(parts[0]), parts[1]


def find_ending(record: ConsentRecord) -> ConsentRecord | None:
    """The record that ended `record`, if any."""
    return db.session.scalar(sa.select(ConsentRecord).where(ConsentRecord.ends_id == record.id))


def find_record(public_id: str) -> ConsentRecord | None:
    """The line of the ledger with this public id."""
    return db.session.scalar(sa.select(ConsentRecord).where(ConsentRecord.public_id == public_id))


def _topic(list_id: int | None, entries: Sequence[TimelineEntry]) -> Topic:
    """`entries` are newest first: what was said of the list when it was asked last."""
    if list_id is None:
        return Topic(
            id=TRACKING_TOPIC,
            matter=Matter.TRACKING,
            name=_TRACKING_NAME,
            sentence=_TRACKING_SENTENCE,
        )
    mailing_list = get_list_by_id(list_id)
    asked = [entry for entry in entries if entry.record.ends_id is None and entry.payload]
    said = (asked[0].payload or {}).get("mailing_list") if asked else None
    return _as_said(mailing_list, said) if said else _as_it_is(mailing_list)


def _as_said(mailing_list: MailingList, said: dict[str, Any]) -> Topic:
    return Topic(
        id=mailing_list.public_id,
        matter=Matter.MAILING,
        name=said["name"],
        sentence=said["purpose"],
        description=said["description"],
        frequency=said["frequency"],
        retention_months=said["retention_months"],
        language=mailing_list.language,
    )


def _as_it_is(mailing_list: MailingList) -> Topic:
    return Topic(
        id=mailing_list.public_id,
        matter=Matter.MAILING,
        name=mailing_list.name,
        sentence=mailing_list.purpose.sentence,
        description=mailing_list.description,
        frequency=mailing_list.frequency,
        retention_months=mailing_list.purpose.retention_months,
        language=mailing_list.language,
    )
