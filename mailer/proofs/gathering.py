"""What a bundle is made of: the records of one person about one list, or about measuring, opened, with their
places in the log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from mailer import consent, signup, transparency
from mailer.consent import ConsentRecord, TimelineEntry
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.foundation.errors import NotFound
from mailer.lists import MailingList, get_list, get_list_by_id
from mailer.organisations import Organisation
from mailer.proofs.words import say
from mailer.receipts import TRACKING_TOPIC
from mailer.transparency import Checkpoint, Leaf, time_of

LEAF_KIND = "consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A record with what it commits to. `position` is None while its leaf waits for one."""

    record: ConsentRecord
    salt: bytes
    canonical: bytes
    position: int | None
    leaf: bytes

    @property
    def payload(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.canonical))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provable:
    """A list about which something is recorded of a person, or measuring where `mailing_list` is None.

    `checkpoint` is None while the log has to sign.
    """

    mailing_list: MailingList | None
    record_count: int
    checkpoint: Checkpoint | None
    is_anchored_outside: bool

    @property
    def topic(self) -> str:
        """What forms and links name it by."""
        return topic_of(self.mailing_list)

    @property
    def name(self) -> str:
        """The list's name, or that of measuring."""
        return self.mailing_list.name if self.mailing_list else say("measuring", "en")


def topic_of(mailing_list: MailingList | None) -> str:
    """What a proof goes by: a list's public id, or `tracking` as with receipts."""
    return mailing_list.public_id if mailing_list else TRACKING_TOPIC


def read_topic(organisation: Organisation, topic: str) -> MailingList | None:
    """The list that a topic names; None for measuring. Raises NotFound."""
    return None if topic == TRACKING_TOPIC else get_list(organisation, topic)


def open_records(
    organisation: Organisation, contact: Contact, mailing_list: MailingList | None
) -> list[Opened]:
    """Every record of a person about a list, or without one about measuring, in the order of the log, those
    that wait last.

    Raises NotFound when nothing is recorded, or what was recorded is erased.
    """
    list_id = mailing_list.id if mailing_list else None
    records = [
        entry.record for entry in _timeline(contact) if entry.record.mailing_list_id == list_id
    ]
    found = [_open(organisation, record) for record in records]
    opened = [one for one in found if one is not None]
    if not opened:
        about = "this list" if mailing_list else "measuring"
        raise NotFound(f"Nothing is recorded about this person and {about}, so nothing is proven.")
    return sorted(opened, key=_order)


def choose_checkpoint(opened: Sequence[Opened]) -> Checkpoint | None:
    """The checkpoint that a bundle stands on: the first anchored one over all records, else the newest.

    None while a record has no position, or no checkpoint reaches so far.
    """
    return _checkpoint_over([one.position for one in opened])


def _checkpoint_over(positions: Sequence[int | None]) -> Checkpoint | None:
    known = [position for position in positions if position is not None]
    if len(known) < len(positions):
        return None
    last = max(known)
    return transparency.find_anchored_checkpoint(last) or transparency.find_checkpoint_over(last)


def list_provable(contact: Contact) -> list[Provable]:
    """Every list about which something is recorded, by name, then measuring, with where its proof stands."""
    by_list: dict[int | None, list[int | None]] = {}
    for entry in _timeline(contact):
        if entry.payload is not None:
            position = transparency.find_position(entry.record.public_id)
            by_list.setdefault(entry.record.mailing_list_id, []).append(position)
    found = [
        _provable(None if list_id is None else get_list_by_id(list_id), positions)
        for list_id, positions in by_list.items()
    ]
    return sorted(found, key=lambda one: (one.mailing_list is None, one.name, one.topic))


def _timeline(contact: Contact) -> list[TimelineEntry]:
    """All records of a person: of their own subject, of their requests, and whatever these answer."""
    subjects = set(signup.subjects_of(contact))
    while True:
        entries = consent.timeline(subjects)
        known = {entry.record.id for entry in entries}
        answered = {entry.record.follows_id for entry in entries} - known - {None}
        if not answered:
            return entries
        query = sa.select(ConsentRecord.subject_id).where(ConsentRecord.id.in_(answered))
        subjects |= set(db.session.scalars(query))


def _provable(mailing_list: MailingList | None, positions: list[int | None]) -> Provable:
    checkpoint = _checkpoint_over(positions)
    anchored = checkpoint is not None and transparency.anchors_of(checkpoint).is_enough
    return Provable(
        mailing_list=mailing_list,
        record_count=len(positions),
        checkpoint=checkpoint,
        is_anchored_outside=anchored,
    )


def _open(organisation: Organisation, record: ConsentRecord) -> Opened | None:
    found = consent.open_payload(record)
    if found is None:
        return None
    salt, canonical = found
    position = transparency.find_position(record.public_id)
    return Opened(
        record=record,
        salt=salt,
        canonical=canonical,
        position=position,
        leaf=_leaf(organisation, record) if position is None else transparency.get_leaf(position),
    )


def _leaf(organisation: Organisation, record: ConsentRecord) -> bytes:
    """The leaf as it will stand in the log, for a record that still waits."""
    return Leaf(
        kind=LEAF_KIND,
        organisation=organisation.log_pseudonym,
        public_id=record.public_id,
        time=time_of(record.recorded_at),
        algorithm=record.algorithm,
        commitment=record.commitment,
    ).to_bytes()


def _order(one: Opened) -> tuple[bool, int, int]:
    return (one.position is None, one.position or 0, one.record.id)
