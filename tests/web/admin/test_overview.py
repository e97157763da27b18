"""The overview: what a team member is told first."""

from __future__ import annotations

import pytest

from mailer import transactional
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.transport import Outcome, OutcomeKind
from tests.support.factories import make_form, make_request, submission
from tests.support.make_accounts import TeamClient


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_overview_says_why_confirmations_wait(
    organisation: Organisation, mailing_list: MailingList, ada: TeamClient
) -> None:
    form = make_form(organisation, mailing_list)
    request = make_request(submission(organisation, form, mailing_list))
    assert "service mail" not in ada.get("/admin/").text
    with unit_of_work():
        [message] = transactional.claim_due("first-here", 1)
        refused = Outcome(
            key="t1", kind=OutcomeKind.REFUSED, code=554, enhanced=None, stage="body", tls=True,
            text="Message rejected: <us@shop.test> is not verified", relay="relay.test:587", at=now(),
        )  # fmt: skip
        transactional.settle(message, refused, owner="first-here")
    page = ada.get("/admin/").text
    assert message.reference == request.public_id
    assert "1 service mail waits" in page
    assert "554 Message rejected: &lt;us@shop.test&gt; is not verified" in page
    assert "Verify this sender address" in page
