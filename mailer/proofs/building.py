"""Building a bundle: one ZIP a person and list, complete in itself (T-040 to T-044, C-045)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785

from mailer import consent, transparency
from mailer.consent import ALLOWS_SENDING, Matter
from mailer.contacts import Contact
from mailer.foundation.clock import iso, now
from mailer.foundation.context import settings
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.proofs.document import Facts, RecordTold, write_document
from mailer.proofs.gathering import Opened, choose_checkpoint, open_records, topic_of
from mailer.proofs.packing import MANIFEST, MANIFEST_NOTE, list_members, pack, text_to_sign
from mailer.proofs.reading import texts_named
from mailer.proofs.readme import write_readme
from mailer.proofs.signing import sign_note
from mailer.proofs.words import language_of, say
from mailer.transparency import Checkpoint, TimeStamp

VERIFIERS = Path(__file__).parents[1] / "verifier"
LOG_NOTE, COSIGNED_NOTE = "checkpoint/checkpoint.note", "checkpoint/cosigned.note"
_ENDINGS = {"application/json": "json", "text/html": "html"}

Members = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as a file; `is_waiting` while no checkpoint covers all of its records."""

    filename: str
    body: bytes
    is_waiting: bool


def build_bundle(contact: Contact, mailing_list: MailingList | None) -> Bundle:
    """Everything recorded about a person and a list, as one file that can be checked without us.

    Without a list it is about measuring, the consent that belongs to none (C-103).

    Raises NotFound when nothing is recorded about them, or it is erased. While the log has not signed all of
    it, the bundle says "not yet anchored" and no verifier passes it.
    """
    organisation = get_organisation_by_id(contact.organisation_id)
    opened = open_records(organisation, contact, mailing_list)
    checkpoint = choose_checkpoint(opened)
    members: Members = {}
    records = [
        _put_record(members, number, one, checkpoint) for number, one in enumerate(opened, 1)
    ]
    texts = _put_texts(members, opened)
    _put_mails(members, opened)
    timestamps = _put_checkpoint(members, checkpoint)
    members["later-events.json"] = rfc8785.dumps(_later_events(opened))
    made_at = iso(now())
    facts = _facts(organisation, contact, opened, checkpoint, made_at)
    members["summary.html"] = write_document(facts, [_told(one) for one in opened], texts)
    members["README.txt"] = write_readme(
        organisation=organisation.legal_name or organisation.name,
        topic_name=facts.topic_name,
        is_about_measuring=mailing_list is None,
        made_at=made_at,
        is_waiting=checkpoint is None,
        public_url=settings().public_url,
        verifiers=verifier_hashes(),
        origins=facts.origins,
    )
    manifest = list_members(
        {
            "made_at": made_at,
            "organisation": organisation.public_id,
            "matter": opened[-1].record.matter.value,
            "mailing_list": mailing_list.public_id if mailing_list else None,
            "language": facts.language,
            "records": records,
            "checkpoint": _stated(checkpoint),
            "timestamps": timestamps,
            "verifiers": verifier_hashes(),
        },
        members,
    )
    members[MANIFEST] = manifest
    members[MANIFEST_NOTE] = sign_note(text_to_sign(manifest)).encode()
    filename = f"proof-{contact.public_id}-{topic_of(mailing_list)}.zip"
    return Bundle(filename, pack(members), checkpoint is None)


@cache
def verifier_hashes() -> dict[str, str]:
    """The SHA-256 of the verifiers that come with this version, by the names of their files."""
    names = ("verify.html", "verify.py")
    return {name: hashlib.sha256((VERIFIERS / name).read_bytes()).hexdigest() for name in names}


def _put_record(
    members: Members, number: int, one: Opened, checkpoint: Checkpoint | None
) -> dict[str, Any]:
    directory = f"records/{number:03}-{one.record.state.value}"
    members[f"{directory}/payload.json"] = one.canonical
    members[f"{directory}/salt.hex"] = f"{one.salt.hex()}\n".encode()
    members[f"{directory}/leaf.json"] = one.leaf
    if checkpoint is not None and one.position is not None:
        proof = transparency.format_tlog_proof(one.position, checkpoint)
        members[f"{directory}/inclusion.tlog-proof"] = proof.encode()
    return {
        "directory": directory,
        "id": one.record.public_id,
        "state": one.record.state.value,
        "position": None if checkpoint is None else one.position,
    }


def _put_texts(members: Members, opened: Sequence[Opened]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for one in opened:
        for sha256 in texts_named(one.payload["evidence"]):
            text = consent.get_text(sha256)
            found[sha256] = text.body
            members[f"texts/{sha256}.{_ENDINGS.get(text.media_type, 'txt')}"] = text.body
    return found


def _put_mails(members: Members, opened: Sequence[Opened]) -> None:
    for one in opened:
        mail = one.payload["evidence"].get("confirmation_mail")
        if mail:
            subject = consent.get_subject(one.record.subject_id)
            sha256 = str(mail["sha256"])
            # Older records commit to the mail before the blotting alone; a verifier says so.
            name = mail.get("blotted_sha256") or f"{sha256}.blotted"
            members[f"mail/{name}.eml"] = consent.show_mail(subject, sha256)


def _put_checkpoint(members: Members, checkpoint: Checkpoint | None) -> list[dict[str, Any]]:
    if checkpoint is None:
        return []
    members[LOG_NOTE] = checkpoint.note.encode()
    members[COSIGNED_NOTE] = transparency.published_note(checkpoint).encode()
    stamps = transparency.timestamps_of(checkpoint)
    paths = {id(stamp): f"tsa/{number:02}.tsr" for number, stamp in enumerate(stamps, 1)}
    for stamp in stamps:
        path = paths[id(stamp)]
        members[path] = stamp.token
        members[f"{path.removesuffix('.tsr')}-chain.pem"] = stamp.chain
    return [_entry(stamp, paths) for stamp in stamps]


def _entry(stamp: TimeStamp, paths: Mapping[int, str]) -> dict[str, Any]:
    return {
        "path": paths[id(stamp)],
        "authority": stamp.authority,
        "renews": None if stamp.renews is None else paths[id(stamp.renews)],
    }


def _stated(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {"origin": transparency.log_origin(), "size": checkpoint.size}


def _later_events(opened: Sequence[Opened]) -> list[dict[str, Any]]:
    """For each given consent what came after it, so that a stale one shows (T-044)."""
    is_waiting = choose_checkpoint(opened) is None
    events = [
        {
            "record": one.record.public_id,
            "state": one.record.state.value,
            "at": one.payload["recorded_at"],
            "position": None if is_waiting else one.position,
            "ends": one.payload["ends"],
        }
        for one in opened
    ]
    ended = {event["ends"] for event in events}
    return [
        {
            "record": one.record.public_id,
            "stands": one.record.public_id not in ended,
            "later": events[number:],
        }
        for number, one in enumerate(opened, 1)
        if one.record.state in ALLOWS_SENDING
    ]


def _facts(
    organisation: Organisation,
    contact: Contact,
    opened: Sequence[Opened],
    checkpoint: Checkpoint | None,
    made_at: str,
) -> Facts:
    language, payload = language_of(contact.language), opened[-1].payload
    described = payload["mailing_list"] or {
        "name": say("measuring", language),
        "purpose": say("measuring_purpose", language),
    }
    outside: list[str] = []
    if checkpoint is not None:
        anchors = transparency.anchors_of(checkpoint)
        outside = [one.name for one in anchors.witnesses]
        outside += [one.authority for one in anchors.timestamps]
    stated = _stated(checkpoint)
    return Facts(
        language=language,
        organisation=organisation.legal_name or organisation.name,
        address=contact.address or "",
        topic_name=str(described["name"]),
        is_about_measuring=payload["matter"] == Matter.TRACKING,
        purpose=str(described["purpose"]),
        made_at=made_at,
        checkpoint=(stated["origin"], stated["size"]) if stated else None,
        outside=outside,
        origins=consent.origins_of(one.payload for one in opened),
    )


def _told(one: Opened) -> RecordTold:
    return RecordTold(
        payload=one.payload, position=one.position, commitment=one.record.commitment.hex()
    )
