"""People with proofs, set-wise: thousands in a second, for tests whose subject is what comes after."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from mailer import consent
from mailer.consent import ConsentRecord, ConsentState, ConsentSubject, Matter
from mailer.contacts import Contact
from mailer.foundation import keystore
from mailer.foundation.addresses import Address
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.subscriptions import Subscription, SubscriptionState


def make_people(
    mailing_list: MailingList,
    count: int,
    *,
    prefix: str = "reader",
    domain: str = "example.org",
    **changes: object,
) -> list[str]:
    """`count` people who confirmed `mailing_list`; their addresses. `changes` go into every contact."""
    addresses = [f"{prefix}{number:05d}@{domain}" for number in range(count)]
    organisation_id = mailing_list.organisation_id
    marks = [secrets.token_hex(10) for _ in addresses]
    keystore.put_many({f"sub_{mark}": consent.new_sealed_key(f"sub_{mark}") for mark in marks})
    with unit_of_work():
        db.session.execute(
            sa.insert(ConsentSubject),
            [
                {
                    "public_id": f"sub_{mark}",
                    "organisation_id": organisation_id,
                }
                for mark in marks
            ],
        )
        subjects = _ids(ConsentSubject, "sub", marks)
        db.session.execute(
            sa.insert(Contact),
            [
                {
                    "public_id": f"con_{mark}",
                    "organisation_id": organisation_id,
                    "subject_id": subjects[f"sub_{mark}"],
                    "address": address,
                    "address_digest": Address(address, address, domain).digest,
                    "first_name": f"Name {mark[:4]}",
                    "last_name": "",
                    "language": "en",
                    "fields": {},
                    **changes,
                }
                for mark, address in zip(marks, addresses, strict=True)
            ],
        )
        _subscribe(mailing_list, marks, subjects)
    return addresses


def join_too(mailing_list: MailingList, addresses: list[str]) -> None:
    """Have people known already confirm another list."""
    with unit_of_work():
        rows = db.session.execute(
            sa.select(Contact.public_id, Contact.subject_id).where(Contact.address.in_(addresses))
        ).all()
        marks = [row.public_id.removeprefix("con_") for row in rows]
        subjects = {f"sub_{mark}": row.subject_id for mark, row in zip(marks, rows, strict=True)}
        _subscribe(mailing_list, marks, subjects)


def contact_of(address: str) -> Contact:
    return db.session.scalars(sa.select(Contact).where(Contact.address == address)).one()


def _subscribe(mailing_list: MailingList, marks: list[str], subjects: dict[str, int]) -> None:
    tag = secrets.token_hex(4)
    moment = now()
    db.session.execute(
        sa.insert(ConsentRecord),
        [
            {
                "public_id": f"rec_{mark}{tag}",
                "organisation_id": mailing_list.organisation_id,
                "subject_id": subjects[f"sub_{mark}"],
                "matter": Matter.MAILING,
                "mailing_list_id": mailing_list.id,
                "state": ConsentState.GIVEN,
                "algorithm": "sha256-salted-jcs-v1",
                "commitment": secrets.token_bytes(32),
                "recorded_at": moment,
            }
            for mark in marks
        ],
    )
    records = _ids(ConsentRecord, "rec", [f"{mark}{tag}" for mark in marks])
    contacts = _ids(Contact, "con", marks)
    db.session.execute(
        sa.insert(Subscription),
        [
            {
                "organisation_id": mailing_list.organisation_id,
                "contact_id": contacts[f"con_{mark}"],
                "mailing_list_id": mailing_list.id,
                "state": SubscriptionState.ACTIVE,
                "proof_id": records[f"rec_{mark}{tag}"],
                "origin": "form",
                "activated_at": moment,
            }
            for mark in marks
        ],
    )


def _ids(
    model: type[ConsentSubject | Contact | ConsentRecord], prefix: str, marks: list[str]
) -> dict[str, int]:
    wanted = {f"{prefix}_{mark}" for mark in marks}
    rows = db.session.execute(sa.select(model.public_id, model.id)).all()
    return {public_id: row_id for public_id, row_id in rows if public_id in wanted}
