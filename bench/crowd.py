"""A crowd of people with proofs, made inside the database: a million in well under a minute.

Their payloads are not sealed, for nothing measured here reads one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mailer.consent import ConsentRecord, ConsentState, ConsentSubject, Matter
from mailer.contacts import Contact
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.subscriptions import Subscription, SubscriptionState

_SUFFIX_AT = 5  # where that part begins, behind "sub_"
_NAMES = 400  # names repeat, as they do among people


def make_crowd(mailing_list: MailingList, count: int, *, tracked: bool = False) -> None:
    """`count` people who confirmed `mailing_list`; `tracked`: all of them agreed to be counted, too."""
    with unit_of_work():
        before = db.session.scalar(sa.select(sa.func.max(ConsentSubject.id))) or 0
        organisation = sa.literal(mailing_list.organisation_id)
        numbers = _numbers(before + 1, before + count)
        padded = sa.cast(sa.literal(10**18) + numbers.c.number, sa.String)
        _add(
            ConsentSubject,
            public_id=sa.literal("sub_bnc").concat(padded),
            organisation_id=organisation,
            rows=numbers,
        )
        subjects = sa.select(ConsentSubject).where(ConsentSubject.id > before).subquery()
        person = sa.cast(subjects.c.id, sa.String)
        mark = sa.func.substr(subjects.c.public_id, _SUFFIX_AT)
        _add(
            Contact,
            public_id=sa.literal("con_").concat(mark),
            organisation_id=organisation,
            subject_id=subjects.c.id,
            address=sa.literal("reader").concat(person).concat("@example.org"),
            address_digest=sa.literal("digest-of-").concat(mark),
            first_name=sa.literal("Name ").concat(sa.cast(subjects.c.id % _NAMES, sa.String)),
            rows=subjects,
        )
        _consent(mailing_list, subjects, Matter.MAILING)
        if tracked:
            _consent(mailing_list, subjects, Matter.TRACKING)
        _subscribe(mailing_list, before)


def _consent(mailing_list: MailingList, subjects: sa.Subquery, matter: Matter) -> None:
    is_mailing = matter is Matter.MAILING
    mark = sa.func.substr(subjects.c.public_id, _SUFFIX_AT)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "public_id": sa.literal("rec_" if is_mailing else "rec_t").concat(mark),
        "organisation_id": sa.literal(mailing_list.organisation_id),
        "subject_id": subjects.c.id,
        "matter": sa.literal(matter, ConsentRecord.matter.type),
        "state": sa.literal(ConsentState.GIVEN, ConsentRecord.state.type),
        "algorithm": sa.literal("sha256-salted-jcs-v1"),
        "commitment": sa.literal(bytes(32), sa.LargeBinary),
    }
    if is_mailing:
        columns["mailing_list_id"] = sa.literal(mailing_list.id)
    _add(ConsentRecord, rows=subjects, **columns)


def _subscribe(mailing_list: MailingList, before: int) -> None:
    people = (
        sa.select(
            Contact.id.label("contact_id"),
            Contact.public_id,
            ConsentRecord.id.label("proof_id"),
            ConsentRecord.recorded_at,
        )
        .join(ConsentRecord, ConsentRecord.subject_id == Contact.subject_id)
        .where(Contact.subject_id > before, ConsentRecord.matter == Matter.MAILING)
        .subquery()
    )
    _add(
        Subscription,
        public_id=sa.literal("mem_").concat(sa.func.substr(people.c.public_id, _SUFFIX_AT)),
        organisation_id=sa.literal(mailing_list.organisation_id),
        contact_id=people.c.contact_id,
        mailing_list_id=sa.literal(mailing_list.id),
        state=sa.literal(SubscriptionState.ACTIVE, Subscription.state.type),
        proof_id=people.c.proof_id,
        origin=sa.literal("form"),
        activated_at=people.c.recorded_at,
        rows=people,
    )


def _add(model: type, *, rows: sa.FromClause, **columns: sa.ColumnElement[Any]) -> None:
    query = sa.select(*columns.values()).select_from(rows)
    db.session.execute(sa.insert(model).from_select(list(columns), query))


def _numbers(first: int, last: int) -> sa.CTE:
    numbers = sa.select(sa.literal(first, sa.BigInteger).label("number")).cte(recursive=True)
    return numbers.union_all(sa.select(numbers.c.number + 1).where(numbers.c.number < last))
