"""A mailbox that does not exist is left out by the next campaign, until somebody knows better."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mailer import campaigns, signup, subscriptions, suppression
from mailer.campaigns import Campaign
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed
from mailer.jobs.delivery import close_campaigns, drain
from mailer.jobs.runner import Shift
from mailer.jobs.transactional import send_due
from mailer.organisations import get_organisation_by_id
from mailer.signup import ConfirmingAct
from mailer.subscriptions import SubscriptionState
from mailer.suppression import Bounce, Reason, Scope, SuppressionEntry
from tests.jobs.conftest import RealParts
from tests.support.factories import make_form, make_request, submission
from tests.support.make_audience import contact_of
from tests.support.make_campaigns import deliveries_of, make_draft, make_started
from tests.support.scripted_smtp import Session

OK = b"250 2.1.5 ok\r\n"
GONE = b"550 5.1.1 <%s>: no such user here\r\n"


def _refuse(service: RealParts, address: str, answer: bytes = GONE) -> None:
    def react(session: Session) -> bytes:
        if address not in session.argument:
            return OK
        return answer % address.encode() if b"%s" in answer else answer

    service.smtp.reactions["RCPT"] = react


def _entries() -> list[SuppressionEntry]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(SuppressionEntry).order_by(SuppressionEntry.id)))


def _next(service: RealParts) -> Campaign:
    return make_draft(service.organisation, service.mailing_list)


@pytest.mark.requirement("E-083")
@pytest.mark.requirement("E-087")
def test_a_hard_bounce_stops_campaigns_to_the_address_and_withdraws_nothing(
    service: RealParts, shift: Shift
) -> None:
    first = service.start_campaign(30)
    gone = service.people[5]
    _refuse(service, gone)
    drain(0)
    [entry] = _entries()
    assert (entry.scope, entry.reason, entry.lifted_at) == (Scope.MARKETING, Reason.BOUNCE, None)
    assert entry.created_at == deliveries_of(first)[5].settled_at
    [(membership, _)] = subscriptions.list_of(contact_of(gone))
    assert membership.state is SubscriptionState.ACTIVE
    preview = campaigns.audience_preview(_next(service))
    assert (preview.reachable, preview.left_out) == (29, {"bounce": 1})
    service.smtp.received.clear()
    make_started(service.organisation, service.mailing_list)
    drain(0)
    close_campaigns()
    assert len(service.received) == 29
    assert gone not in service.received
    assert len(_entries()) == 1


def test_a_bounce_is_lifted_with_a_reason_and_nothing_else_is(
    service: RealParts, shift: Shift
) -> None:
    service.start_campaign(30)
    _refuse(service, service.people[5])
    drain(0)
    contact = contact_of(service.people[5])
    organisation = get_organisation_by_id(service.organisation.id)
    digest, bounced = contact.address_digest or "", _entries()[0].created_at
    with unit_of_work():
        with pytest.raises(Invalid):
            suppression.lift_bounce(organisation, digest, " ")
        suppression.lift_bounce(organisation, digest, "They wrote to us.")
    assert campaigns.audience_preview(_next(service)).reachable == 30
    with unit_of_work():  # what was settled already is told of again
        suppression.suppress_bounced([Bounce(organisation.id, digest, bounced)])
        suppression.suppress(
            organisation, digest, scope=Scope.MARKETING, reason=Reason.UNSUBSCRIBED
        )
    with unit_of_work(), pytest.raises(NotAllowed):
        suppression.lift_bounce(organisation, digest, "They wrote to us.")
    assert campaigns.audience_preview(_next(service)).left_out == {"unsubscribed": 1}


def test_signing_up_anew_ends_what_a_bounce_stopped(service: RealParts, shift: Shift) -> None:
    service.start_campaign(30)
    gone = service.people[5]
    _refuse(service, gone)
    drain(0)
    assert campaigns.audience_preview(_next(service)).reachable == 29
    form = make_form(service.organisation, service.mailing_list)
    request = make_request(
        submission(service.organisation, form, service.mailing_list, address=gone)
    )
    act = ConfirmingAct(method="POST", token_digest="ab" * 32, ip="", user_agent="", shown_at=None)
    with unit_of_work():
        signup.confirm(request, act)
    assert campaigns.audience_preview(_next(service)).reachable == 30


@pytest.mark.parametrize(
    ("answer", "is_bounce"),
    [(GONE, True), (b"550 5.7.1 we do not like you\r\n", False), (b"450 4.2.2 full\r\n", False)],
)
def test_a_confirmation_mail_that_bounces_counts_for_the_address(
    service: RealParts, answer: bytes, is_bounce: bool
) -> None:
    form = make_form(service.organisation, service.mailing_list)
    make_request(submission(service.organisation, form, service.mailing_list))
    _refuse(service, "cleo@example.org", answer)
    first = Shift(service.app, "first")
    send_due()
    first.close()
    assert [(one.scope, one.reason) for one in _entries()] == (
        [(Scope.MARKETING, Reason.BOUNCE)] if is_bounce else []
    )
