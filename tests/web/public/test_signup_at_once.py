"""Many visitors at the same moment: everybody is written down, and the limits hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import consent
from mailer.consent import ConsentRecord
from mailer.forms import Form
from mailer.foundation.database import db
from mailer.signup import SignupRequest
from tests.support.factories import link_in, mails_for
from tests.support.filling_in import answer, shown

VISITORS = 12


def post_at_once(client: FlaskClient, form: Form, addresses: list[str]) -> set[int]:
    """Every address by a visitor of its own, all at once; the statuses of the answers."""
    token, start = shown(client, form), Barrier(len(addresses))

    def post(address: str) -> int:
        visitor = client.application.test_client()
        start.wait(30)
        sent = answer(form, token, address=address)
        return visitor.post(f"/f/{form.public_id}", data=sent).status_code

    with ThreadPoolExecutor(len(addresses)) as threads:
        return set(threads.map(post, addresses))


@pytest.mark.requirement("C-041")
def test_everybody_is_written_down_with_a_proof_and_a_mail_of_their_own(
    client: FlaskClient, form: Form
) -> None:
    addresses = {f"visitor{number}@example.org" for number in range(VISITORS)}
    assert post_at_once(client, form, sorted(addresses)) == {303}
    requests = db.session.scalars(sa.select(SignupRequest)).all()
    assert {request.address for request in requests} == addresses
    for request in requests:
        (message,) = mails_for(request)
        assert message.to_address == request.address
        records = db.session.scalars(
            sa.select(ConsentRecord).where(ConsentRecord.subject_id == request.subject_id)
        )
        said = [consent.read_payload(record) for record in records]
        assert {one["evidence"]["address"] for one in said if one} == {request.address}
        assert {one["evidence"]["request"] for one in said if one} == {request.public_id}
        page = client.get(link_in(message, "c"))
        assert page.status_code == 200


@pytest.mark.requirement("S-031")
@pytest.mark.requirement("S-032")
def test_one_address_gets_one_mail_however_many_forms_come_at_once(
    client: FlaskClient, form: Form
) -> None:
    spellings = ["cleo@example.org", "Cleo@Example.org", "cleo@EXAMPLE.ORG"]
    assert post_at_once(client, form, spellings * 2) == {303}
    (request,) = db.session.scalars(sa.select(SignupRequest)).all()
    assert len(mails_for(request)) == 1
