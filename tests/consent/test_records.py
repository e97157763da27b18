"""Payloads that are put together from parts are, byte for byte, in their RFC 8785 form."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import rfc8785
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from mailer import consent
from mailer.consent import TRACKING, ConsentRecord, ConsentState
from mailer.consent.records import Draft, payload_of
from mailer.foundation.database import db
from mailer.organisations import Organisation
from tests.support.make_consents import make_cleo

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MOMENT = datetime(2026, 11, 23, 10, 2, 11, 42_900, tzinfo=UTC)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,30}", fullmatch=True)


def draft(subject: str, evidence: bytes, *, ends: str | None = None, follows: str = "") -> Draft:
    return Draft(
        organisation=Organisation(public_id="org_a"),
        about=TRACKING,
        state=ConsentState.GIVEN,
        subject=subject,
        evidence=evidence,
        moment=MOMENT,
        follows=ConsentRecord(public_id=follows) if follows else None,
        ends=(1, ends) if ends is not None else None,
    )


@pytest.mark.requirement("T-001")
@given(st.dictionaries(TEXT, VALUES, max_size=5), TEXT, IDS, IDS, st.none() | IDS)
def test_a_payload_is_written_in_its_canonical_form(
    evidence: dict[str, object], name: str, record: str, subject: str, ends: str | None
) -> None:
    given = draft(subject, consent.canonical_json(evidence), ends=ends, follows=subject)
    facts = {"name": name, "description": name}
    whole = {
        "schema": "mailer.consent/1",
        "organisation": "org_a",
        "matter": "tracking",
        "mailing_list": facts,
        "state": "given",
        "status": consent.DPV_TERMS[ConsentState.GIVEN],
        "follows": subject,
        "ends": ends,
        "record": record,
        "subject": subject,
        "recorded_at": "2026-11-23T10:02:11.042Z",
        "evidence": evidence,
    }
    assert payload_of(given, record, facts) == rfc8785.dumps(whole)  # type: ignore[arg-type]  # JSON all through
    bare = {**whole, "mailing_list": None}
    assert payload_of(given, record, None) == rfc8785.dumps(bare)  # type: ignore[arg-type]  # JSON all through


@pytest.mark.parametrize("wrong", ['a"b', "", "a\nb", "ä"])
def test_what_is_no_public_id_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no public id"):
        payload_of(draft("sub_a", b"{}"), wrong, None)


@pytest.mark.requirement("T-001")
@pytest.mark.requirement("T-005")
def test_every_payload_of_a_signup_is_canonical_and_opens_its_commitment(
    client: FlaskClient,
) -> None:
    make_cleo(client)
    records = db.session.scalars(sa.select(ConsentRecord)).all()
    assert len(records) >= 4
    for record in records:
        opened = consent.open_payload(record)
        assert opened is not None
        salt, canonical = opened
        assert rfc8785.dumps(json.loads(canonical)) == canonical
        assert consent.commitment(salt, canonical) == record.commitment
