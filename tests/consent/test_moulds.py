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
from mailer.consent import ConsentRecord
from mailer.consent.moulds import PayloadMould
from mailer.foundation.database import db
from tests.support.make_consents import make_cleo

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MOMENT = datetime(2026, 11, 23, 10, 2, 11, 42_900, tzinfo=UTC)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,30}", fullmatch=True)


@pytest.mark.requirement("T-001")
@given(st.dictionaries(TEXT, VALUES, max_size=5), TEXT, IDS, IDS, st.none() | IDS)
def test_a_filled_mould_is_the_canonical_form(
    evidence: dict[str, object], name: str, record: str, subject: str, ends: str | None
) -> None:
    frame = {"schema": "mailer.consent/1", "state": "given", "mailing_list": {"name": name}}
    filled = PayloadMould(frame).fill(
        record=record,
        subject=subject,
        moment=MOMENT,
        ends=ends,
        evidence=consent.canonical_json(evidence),
    )
    parts = {"record": record, "subject": subject, "ends": ends, "evidence": evidence}
    whole = {**frame, **parts, "recorded_at": "2026-11-23T10:02:11.042Z"}
    assert filled == rfc8785.dumps(whole)  # type: ignore[arg-type]  # JSON all through


@pytest.mark.parametrize("wrong", ['a"b', "", "a\nb", "ä"])
def test_what_is_no_public_id_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no public id"):
        PayloadMould({}).fill(
            record=wrong, subject="sub_a", moment=MOMENT, ends=None, evidence=b"{}"
        )


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
