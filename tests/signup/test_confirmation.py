"""The page behind the link, and the press of its button."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import consent, signup, subscriptions
from mailer.consent import ConsentRecord, ConsentState, Matter
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.signup import RequestState, SignupRequest
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.transactional import TransactionalMessage
from mailer.transport import Outcome, OutcomeKind
from tests.support.factories import (
    link_in,
    mails_for,
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)


class Story:
    """Cleo has asked for one of two lists, and the mail lies there."""

    def __init__(self) -> None:
        self.organisation = make_organisation()
        self.letter = make_list(self.organisation, name="Monthly letter")
        self.offers = make_list(self.organisation, name="Offers")
        self.form = make_form(self.organisation, self.letter, self.offers)
        self.request = make_request(
            submission(
                self.organisation, self.form, self.letter, unticked=(self.offers,), tracking=True
            )
        )
        self.mail = mails_for(self.request)[0]
        self.link = link_in(self.mail, "c")
        self.not_me = link_in(self.mail, "n")


@pytest.fixture
def story(app: object) -> Story:
    return Story()


def states() -> list[tuple[Matter, ConsentState]]:
    db.session.rollback()
    rows = db.session.execute(
        sa.select(ConsentRecord.matter, ConsentRecord.state).order_by(ConsentRecord.id)
    )
    return [(matter, state) for matter, state in rows]


def active() -> list[Subscription]:
    db.session.rollback()
    return list(
        db.session.scalars(
            sa.select(Subscription).where(Subscription.state == SubscriptionState.ACTIVE)
        )
    )


ASKED = [
    (Matter.MAILING, ConsentState.REQUESTED),
    (Matter.MAILING, ConsentState.REFUSED),
    (Matter.TRACKING, ConsentState.REQUESTED),
]


@pytest.mark.requirement("C-026")
def test_the_button_confirms(client: FlaskClient, story: Story) -> None:
    page = client.get(story.link)
    assert page.status_code == 200
    assert "Monthly letter" in page.text
    assert "Harbour Books" in page.text

    done = client.post(story.link)

    assert done.status_code == 200
    assert "You are subscribed" in done.text
    assert [member.mailing_list_id for member in active()] == [story.letter.id]
    assert states() == [
        *ASKED,
        (Matter.MAILING, ConsentState.GIVEN),
        (Matter.TRACKING, ConsentState.GIVEN),
    ]


@pytest.mark.requirement("L-001")
@pytest.mark.requirement("C-026")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_opening_the_link_confirms_nothing(client: FlaskClient, story: Story, method: str) -> None:
    for path in (story.link, story.not_me):
        assert client.open(path, method=method).status_code == 200
    assert active() == []
    assert states() == ASKED


@pytest.mark.requirement("C-030")
def test_a_second_press_changes_nothing_and_says_kindly_what_was_recorded(
    client: FlaskClient, story: Story
) -> None:
    client.post(story.link)
    before = states()
    again = client.post(story.link)
    opened = client.get(story.link)
    for answer in (again, opened):
        assert answer.status_code == 200
        assert "You had confirmed already" in answer.text
        assert "Monthly letter" in answer.text
    assert states() == before


@pytest.mark.requirement("L-003")
def test_no_page_of_the_way_sets_a_cookie_or_needs_one(client: FlaskClient, story: Story) -> None:
    for answer in (client.get(story.link), client.post(story.link), client.get(story.not_me)):
        assert "Set-Cookie" not in answer.headers


@pytest.mark.requirement("L-002")
def test_the_page_with_the_button_runs_no_script_and_submits_nothing_by_itself(
    client: FlaskClient, story: Story
) -> None:
    page = client.get(story.link).text
    assert "<script" not in page
    assert "http-equiv" not in page


@pytest.mark.requirement("L-008")
def test_token_pages_are_not_kept_referred_or_indexed(client: FlaskClient, story: Story) -> None:
    headers = client.get(story.link).headers
    assert "no-store" in headers["Cache-Control"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]


def test_a_machine_that_presses_the_hidden_button_is_asked_again(
    client: FlaskClient, story: Story
) -> None:
    answer = client.post(story.link, data={"sure": "yes"})
    assert "press once more" in answer.text
    assert active() == []


@pytest.mark.parametrize("end", ["x", "", "é", "%00"])
def test_a_damaged_link_is_told_so(client: FlaskClient, story: Story, end: str) -> None:
    for method in ("GET", "POST"):
        answer = client.open(story.link[:-4] + end, method=method)
        assert answer.status_code in (404, 410)
    assert active() == []


@pytest.mark.requirement("S-001")
def test_a_token_opens_only_the_page_it_was_made_for(client: FlaskClient, story: Story) -> None:
    confirm, dispute = story.link.split("/")[2], story.not_me.split("/")[2]
    assert client.post(f"/c/{dispute}").status_code == 410
    assert client.post(f"/n/{confirm}").status_code == 410
    assert client.post(f"/p/{confirm}", data={"action": "leave_all"}).status_code == 410
    assert active() == []


@pytest.mark.requirement("C-040")
@pytest.mark.requirement("C-041")
@pytest.mark.requirement("C-042")
@pytest.mark.requirement("C-043")
def test_the_proof_holds_all_three_legs(client: FlaskClient, story: Story) -> None:
    bytes_sent = story.mail.body
    assert bytes_sent is not None
    outcome = Outcome(
        key="t1",
        kind=OutcomeKind.ACCEPTED,
        code=250,
        enhanced="2.0.0",
        text="queued as 4711",
        relay="127.0.0.1:25",
        at=now(),
        stage="body",
        tls=False,
    )
    with unit_of_work():
        signup.keep_mail_evidence(story.mail, bytes_sent, outcome)
    client.get(story.link)
    client.post(story.link, headers={"User-Agent": "Browser/1"})

    contact = db.session.scalars(sa.select(Contact)).one()
    given = active()[0]
    record = db.session.get_one(ConsentRecord, given.proof_id)
    payload = consent.read_payload(record)
    assert payload is not None
    legs = payload["evidence"]
    assert legs["submission"]["form_url"] == "https://shop.example/"
    assert legs["submission"]["controls"][0]["label"] == "Yes, send me Monthly letter"
    assert legs["submission"]["controls"][1]["is_ticked"] is False
    assert legs["confirmation_mail"]["reply_code"] == "250"
    assert legs["confirmation"]["method"] == "POST"
    assert legs["confirmation"]["user_agent"] == "Browser/1"
    subject = consent.get_subject(contact.subject_id)
    assert consent.get_blob(subject, legs["confirmation_mail"]["sha256"]) == bytes_sent
    shown = consent.get_text(legs["confirmation"]["page_sha256"])
    assert "Monthly letter" in json.loads(shown.body)["lists"]


@pytest.mark.requirement("C-046")
def test_only_the_network_of_an_ip_address_is_kept(client: FlaskClient, story: Story) -> None:
    record = db.session.scalars(sa.select(ConsentRecord)).first()
    assert record is not None
    payload = consent.read_payload(record)
    assert payload is not None
    assert payload["evidence"]["ip"] == "192.0.2.0/24"


@pytest.mark.requirement("C-032")
def test_this_was_not_me_stops_mail_and_keeps_the_record(client: FlaskClient, story: Story) -> None:
    answer = client.post(story.not_me)
    assert answer.status_code == 200
    assert "No further mail" in answer.text
    assert client.post(story.link).status_code == 200
    assert active() == []
    assert states() == [
        *ASKED,
        (Matter.MAILING, ConsentState.INVALIDATED),
        (Matter.TRACKING, ConsentState.INVALIDATED),
    ]
    with unit_of_work():
        again = signup.request(submission(story.organisation, story.form, story.offers))
    assert again is None


@pytest.mark.requirement("C-032")
def test_this_was_not_me_ends_what_was_confirmed_already(client: FlaskClient, story: Story) -> None:
    client.post(story.link)
    client.post(story.not_me)
    client.post(story.not_me)
    assert active() == []
    assert states()[-2:] == [
        (Matter.MAILING, ConsentState.INVALIDATED),
        (Matter.TRACKING, ConsentState.INVALIDATED),
    ]


@pytest.mark.requirement("C-083")
def test_only_a_link_that_is_mailed_to_the_address_allows_mail_again(
    client: FlaskClient, story: Story
) -> None:
    client.post(story.not_me)
    for path in (story.not_me, story.not_me.replace("/n/", "/m/")):
        assert client.post(path, data={"action": "allow"}).status_code in (403, 410)
    with unit_of_work():
        assert signup.request(submission(story.organisation, story.form, story.offers)) is None
    page = f"/o/{story.organisation.public_id}"
    assert page in client.get(story.not_me).text
    client.post(page, data={"address": "cleo@example.org"})
    fresh = link_in(db.session.scalars(sa.select(TransactionalMessage)).all()[-1], "m")
    assert "Lift the block" in client.get(fresh).text
    lifted = client.post(fresh, data={"action": "lift"}, follow_redirects=True)
    assert "subscribed to nothing by this" in lifted.text
    assert active() == []
    with unit_of_work():
        again = signup.request(submission(story.organisation, story.form, story.offers))
    assert again is not None


def pass_time(request: SignupRequest, *, days: int) -> None:
    """Set back a request as if it had been made so many days ago."""
    with unit_of_work():
        row = db.session.get_one(SignupRequest, request.id)
        row.requested_at -= timedelta(days=days)
        row.expires_at -= timedelta(days=days)


@pytest.mark.requirement("C-027")
def test_an_expired_link_offers_a_new_one_which_works(client: FlaskClient, story: Story) -> None:
    pass_time(story.request, days=8)
    for answer in (client.get(story.link), client.post(story.link)):
        assert "This link has expired" in answer.text
        assert "Send me a new link" in answer.text
    assert active() == []

    sent = client.post(f"{story.link}/again")

    assert "Check your inbox" in sent.text
    db.session.rollback()
    fresh = db.session.scalars(sa.select(SignupRequest).order_by(SignupRequest.id.desc())).first()
    assert fresh is not None
    assert fresh.id != story.request.id
    assert "You are subscribed" in client.post(link_in(mails_for(fresh)[0], "c")).text


@pytest.mark.requirement("C-028")
def test_what_is_never_confirmed_is_erased_and_the_records_stay(
    client: FlaskClient, story: Story
) -> None:
    pass_time(story.request, days=15)
    with unit_of_work():
        assert signup.expire_unconfirmed() == 1
        assert signup.expire_unconfirmed() == 0
    row = db.session.get_one(SignupRequest, story.request.id)
    assert (row.state, row.address, row.address_digest, row.answers) == (
        RequestState.EXPIRED,
        None,
        None,
        {},
    )
    assert states() == ASKED
    record = db.session.scalars(sa.select(ConsentRecord)).first()
    assert record is not None
    assert consent.read_payload(record) is None
    assert [mail.to_address for mail in mails_for(row)] == [""]
    assert "sign up again" in client.get(story.link).text


def test_confirming_a_second_list_keeps_one_contact(client: FlaskClient, story: Story) -> None:
    client.post(story.link)
    second = make_request(
        submission(story.organisation, story.form, story.offers, address="CLEO@Example.org")
    )
    client.post(link_in(mails_for(second)[0], "c"))
    contact = db.session.scalars(sa.select(Contact)).one()
    assert {member.mailing_list_id for member in active()} == {story.letter.id, story.offers.id}
    assert len(subscriptions.list_of(contact)) == 2
    assert len(consent.timeline(signup.subjects_of(contact))) == len(states())


@pytest.mark.requirement("R-007")
def test_confirming_again_what_stands_already_renews_it(client: FlaskClient, story: Story) -> None:
    client.post(story.link)
    pass_time(story.request, days=2)
    second = make_request(submission(story.organisation, story.form, story.letter))
    client.post(link_in(mails_for(second)[0], "c"))
    assert states()[-1] == (Matter.MAILING, ConsentState.RENEWED)
    assert len(active()) == 1
