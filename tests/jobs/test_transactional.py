"""RealParts mails: sent over one connection, settled, and recovered like everything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailer import consent, delivery, organisations, transactional
from mailer.foundation.blotting import link_digests
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.jobs.recovery import recover
from mailer.jobs.runner import Shift, journal_directory
from mailer.jobs.transactional import MessageSettler, send_due
from mailer.signup import SignupRequest
from mailer.transactional import MessageState, TransactionalMessage, claim_due
from mailer.transport import Journal
from tests.jobs.conftest import RealParts
from tests.support.factories import mails_for, make_form, make_request, submission
from tests.support.mail_signatures import is_signed
from tests.support.scripted_smtp import hang_up


@pytest.fixture
def first(service: RealParts) -> Iterator[Shift]:
    shift = Shift(service.app, "first")
    yield shift
    shift.close()


@pytest.fixture
def request_(service: RealParts) -> SignupRequest:
    form = make_form(service.organisation, service.mailing_list)
    return make_request(submission(service.organisation, form, service.mailing_list))


def _message(request: SignupRequest) -> TransactionalMessage:
    [message] = mails_for(request)
    return message


def test_a_confirmation_mail_goes_out_and_leaves_its_evidence(
    service: RealParts, first: Shift, request_: SignupRequest
) -> None:
    send_due()
    assert service.received == ["cleo@example.org"]
    assert service.smtp.connections == 1
    message = _message(request_)
    assert message.state is MessageState.ACCEPTED
    assert message.body is None
    with unit_of_work() as session:
        evidence = session.get_one(SignupRequest, request_.id).mail_evidence
    assert evidence is not None
    assert evidence["outcome"] == "accepted"
    assert evidence["reply_code"] == "250"


@pytest.mark.requirement("C-042")
@pytest.mark.requirement("E-040")
def test_a_service_mail_is_signed_when_the_domain_has_a_key(
    service: RealParts, first: Shift, request_: SignupRequest
) -> None:
    domain = _message(request_).from_address.partition("@")[2]
    with unit_of_work():
        [key] = organisations.make_domain_keys(service.organisation, domain)
        organisations.begin_signing(service.organisation, domain)
        record = organisations.dns_record(key)
    send_due()
    [mail] = service.smtp.bodies
    assert is_signed(mail, [record])
    with unit_of_work() as session:
        request = session.get_one(SignupRequest, request_.id)
        kept = (request.mail_evidence or {})["sha256"]
        evidence = consent.get_blob(consent.get_subject(request.subject_id), kept)
        shown = consent.show_mail(consent.get_subject(request.subject_id), kept)
    # What is kept as evidence is what left, signature and all.
    assert evidence == mail
    # What is shown has every field of the signature, and no link that works.
    assert shown.partition(b"\r\n\r\n")[0] == mail.partition(b"\r\n\r\n")[0]
    assert len(link_digests(mail)) == 2
    assert link_digests(shown) == []
    assert not is_signed(shown, [record])


def test_a_relay_that_is_down_costs_no_try(
    service: RealParts, first: Shift, request_: SignupRequest
) -> None:
    service.smtp.reactions["greeting"] = b"421 4.3.2 not now\r\n"
    send_due()
    message = _message(request_)
    assert (message.state, message.attempts) == (MessageState.PLANNED, 0)
    assert first.rest.is_on


@pytest.mark.requirement("E-082")
@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("MAIL", b"550 5.7.1 you may not send as this\r\n"),
        ("RCPT", b"553 5.7.1 <us@shop.test>: Sender address rejected: not owned by user\r\n"),
        ("dot", b"550 5.4.5 Daily sending limit exceeded\r\n"),
        ("dot", b"454 Throttling failure: sending rate exceeded\r\n"),
    ],
)
def test_a_refusal_of_us_gives_no_confirmation_up(
    service: RealParts, first: Shift, request_: SignupRequest, step: str, answer: bytes
) -> None:
    service.smtp.reactions[step] = answer
    send_due()
    message = _message(request_)
    assert message.state is MessageState.DEFERRED
    assert message.body is not None
    stuck = transactional.find_stuck(service.organisation)
    assert stuck is not None
    assert (stuck.count, stuck.reply_code) == (1, int(answer[:3]))
    said = delivery.why_stuck(stuck.count, stuck.reply_code, stuck.reply_text)
    assert answer.decode().strip().partition(" ")[2] in said
    del service.smtp.reactions[step]
    with unit_of_work() as session:
        session.get_one(TransactionalMessage, message.id).due_at = now()
        assert session.get_one(SignupRequest, request_.id).mail_evidence is None
    send_due()
    assert _message(request_).state is MessageState.ACCEPTED
    assert transactional.find_stuck(service.organisation) is None


def test_a_confirmation_to_nobody_is_refused_at_once(
    service: RealParts, first: Shift, request_: SignupRequest
) -> None:
    service.smtp.reactions["RCPT"] = b"550 5.1.1 no such user\r\n"
    send_due()
    assert _message(request_).state is MessageState.REFUSED
    assert transactional.find_stuck(service.organisation) is None


def test_a_lost_answer_is_uncertain_and_not_sent_again(
    service: RealParts, first: Shift, request_: SignupRequest
) -> None:
    service.smtp.reactions["dot"] = hang_up
    send_due()
    send_due()
    assert service.received == ["cleo@example.org"]
    assert _message(request_).state is MessageState.UNCERTAIN


def test_a_mail_on_a_dead_workers_wire_is_uncertain(
    service: RealParts, request_: SignupRequest
) -> None:
    owner = "first-elsewhere-1-dead"
    with unit_of_work():
        [message] = claim_due(owner, 10)
    journal = Journal.open(journal_directory(), owner)
    journal.sent(f"t{message.id}")
    journal.close()
    assert recover([delivery, MessageSettler()]) == 1
    assert _message(request_).state is MessageState.UNCERTAIN
