"""Leaving, by one press in the mail program and by the page from the footer."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from mailer import consent, rights, subscriptions, suppression
from mailer.consent import ConsentRecord, ConsentState
from mailer.contacts import Contact
from mailer.erasures import AskedBy
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList, archive_list
from mailer.subscriptions import Subscription, SubscriptionState
from tests.support.factories import (
    DORA,
    fresh_path,
    link_in,
    mails_for,
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class Member:
    """Cleo is subscribed to two lists and has the footer of a mail of the first."""

    def __init__(self, app: Flask) -> None:
        self.organisation = make_organisation()
        self.letter = make_list(self.organisation)
        self.offers = make_list(self.organisation, name="Offers")
        form = make_form(self.organisation, self.letter, self.offers)
        request = make_request(
            submission(self.organisation, form, self.letter, self.offers, tracking=True)
        )
        app.test_client().post(link_in(mails_for(request)[0], "c"))
        self.contact = db.session.scalars(sa.select(Contact)).one()
        self.link = urlsplit(
            subscriptions.unsubscribe_url(self.contact.public_id, self.letter.public_id, "cmp_gone")
        ).path
        self.preferences = urlsplit(subscriptions.preferences_url(self.contact.public_id)).path

    def active(self) -> set[str]:
        db.session.rollback()
        rows = db.session.execute(
            sa.select(MailingList.name)
            .join(Subscription)
            .where(Subscription.state == SubscriptionState.ACTIVE)
        )
        return {name for (name,) in rows}

    def withdrawals(self) -> int:
        db.session.rollback()
        return (
            db.session.scalar(
                sa.select(sa.func.count()).where(ConsentRecord.state == ConsentState.WITHDRAWN)
            )
            or 0
        )


def undo_in(page: str) -> str:
    """Where the button for undo posts to."""
    found = re.search(r'action="(/undo/[^"]+)"', page)
    assert found is not None, page
    return found.group(1)


@pytest.fixture
def member(app: Flask) -> Member:
    return Member(app)


@pytest.mark.requirement("E-022")
@pytest.mark.requirement("E-023")
@pytest.mark.parametrize("encoding", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_one_press_in_the_mail_program_unsubscribes_at_once(
    client: FlaskClient, member: Member, encoding: str
) -> None:
    answer = client.post(member.link, data=ONE_CLICK, content_type=encoding)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert member.active() == {"Offers"}
    assert member.withdrawals() == 1


@pytest.mark.requirement("E-022")
def test_no_origin_referrer_or_cookie_matters(client: FlaskClient, member: Member) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post(member.link, data=ONE_CLICK, headers=headers).status_code == 200
    assert member.active() == {"Offers"}


@pytest.mark.requirement("E-023")
def test_a_slash_at_the_end_is_no_redirect(client: FlaskClient, member: Member) -> None:
    assert client.post(f"{member.link}/", data=ONE_CLICK).status_code == 200
    assert member.active() == {"Offers"}


@pytest.mark.requirement("L-001")
@pytest.mark.requirement("E-025")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_opening_the_links_changes_nothing(
    client: FlaskClient, member: Member, method: str
) -> None:
    for path in (member.link, member.preferences):
        assert client.open(path, method=method).status_code == 200
    assert member.active() == {"Monthly letter", "Offers"}
    assert member.withdrawals() == 0


@pytest.mark.requirement("C-060")
def test_the_page_has_one_button_that_does_it(client: FlaskClient, member: Member) -> None:
    page = client.get(member.link)
    assert "Monthly letter" in page.text
    assert "cleo@" not in page.text
    done = client.post(member.link)
    assert "You are unsubscribed" in done.text
    assert "Undo" in done.text
    assert member.active() == {"Offers"}


@pytest.mark.requirement("E-024")
def test_pressing_twice_is_pressing_once(client: FlaskClient, member: Member) -> None:
    client.post(member.link, data=ONE_CLICK)
    assert client.post(member.link, data=ONE_CLICK).status_code == 200
    assert member.withdrawals() == 1


@pytest.mark.requirement("C-066")
@pytest.mark.requirement("C-062")
def test_everything_can_be_stopped_with_one_press(client: FlaskClient, member: Member) -> None:
    client.post(member.link, data={"scope": "all"})
    assert member.active() == set()
    assert member.withdrawals() == 3  # two lists and tracking
    digest = member.contact.address_digest or ""
    entry = suppression.find_blocking(
        member.organisation, digest, scope=suppression.Scope.MARKETING
    )
    assert entry is not None


@pytest.mark.requirement("C-065")
@pytest.mark.requirement("E-024")
def test_the_link_works_after_its_list_was_archived(client: FlaskClient, member: Member) -> None:
    with unit_of_work():
        archive_list(db.session.get_one(MailingList, member.letter.id))
    assert client.post(member.link, data=ONE_CLICK).status_code == 200
    assert member.active() == {"Offers"}


@pytest.mark.requirement("E-024")
@pytest.mark.parametrize("token", ["x", "a~b~c.d", "é", "%00", "." * 2000])
def test_a_damaged_link_does_not_tell_a_subscriber_that_it_worked(
    client: FlaskClient, member: Member, token: str
) -> None:
    for method in ("GET", "POST"):
        answer = client.open(
            f"/u/{token}", method=method, data=ONE_CLICK if method == "POST" else None
        )
        assert answer.status_code == 410
        assert "To the page of Harbour Books" in answer.text
        assert f"/o/{member.organisation.public_id}" in answer.text
    assert member.active() == {"Monthly letter", "Offers"}


def test_the_link_of_somebody_erased_has_nothing_to_stop(
    client: FlaskClient, member: Member
) -> None:
    with unit_of_work():
        rights.erase(member.contact, asked_by=AskedBy.PERSON, evidence={"method": "a test"})
    for method in ("GET", "POST"):
        answer = client.open(member.link, method=method)
        assert (answer.status_code, "Nothing to stop" in answer.text) == (200, True)
        assert "Harbour Books" in answer.text


@pytest.mark.requirement("C-067")
def test_undo_brings_back_what_was_just_ended_and_says_so_in_the_record(
    client: FlaskClient, member: Member
) -> None:
    before = consent.list_valid(
        consent.get_subject(member.contact.subject_id), consent.About(member.letter)
    )
    undo = undo_in(client.post(member.link).text)
    for _ in range(2):
        answer = client.post(undo, follow_redirects=True)
        assert "That is undone" in answer.text
        assert member.active() == {"Monthly letter", "Offers"}
    newest = db.session.scalars(sa.select(ConsentRecord).order_by(ConsentRecord.id.desc())).first()
    assert newest is not None
    assert newest.state is ConsentState.GIVEN
    payload = consent.read_payload(newest)
    assert payload is not None
    assert payload["evidence"]["restores"] == before[0].public_id
    assert "undo" in payload["evidence"]["method"]


def test_everything_that_one_press_ended_can_be_undone_with_one(
    client: FlaskClient, member: Member
) -> None:
    undo = undo_in(client.post(member.link, data={"scope": "all"}).text)
    client.post(undo)
    assert member.active() == {"Monthly letter", "Offers"}


@pytest.mark.parametrize(
    "later", ["leave_all", "blocked", "left again", "left twice", "too late", "had left"]
)
def test_undo_is_only_for_the_press_just_before(
    client: FlaskClient, member: Member, later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    undo = undo_in(client.post(member.link).text)
    if later == "leave_all":
        client.post(member.preferences, data={"action": "leave_all"})
    elif later == "blocked":
        with unit_of_work():
            suppression.suppress(
                member.organisation,
                member.contact.address_digest or "",
                scope=suppression.Scope.ALL_MAIL,
                reason=suppression.Reason.NOT_ME,
            )
    elif later == "left again":
        client.post(undo)
        client.post(member.link)
    elif later == "left twice":
        assert "/undo/" not in client.post(member.link).text
    elif later == "too late":
        monkeypatch.setattr("time.time", lambda: now().timestamp() + 31 * 60)
    else:
        undo = "/undo/x"
        assert "Undo" not in client.post(member.link).text
    before = member.active()
    answer = client.post(undo)
    assert answer.status_code in (409, 410)
    assert "To the page of Harbour Books" in answer.text
    assert member.active() == before
    assert "Monthly letter" not in before


def test_undo_restores_nothing_for_an_address_that_is_blocked_or_was_meanwhile(
    client: FlaskClient, member: Member
) -> None:
    digest = member.contact.address_digest or ""
    undo = undo_in(client.post(member.link).text)
    with unit_of_work():
        suppression.suppress(
            member.organisation,
            digest,
            scope=suppression.Scope.ALL_MAIL,
            reason=suppression.Reason.NOT_ME,
        )
    assert client.post(undo).status_code == 409
    leave = {"action": "leave", "list": member.offers.public_id}
    page = client.post(member.preferences, data=leave, follow_redirects=True).text
    assert "You are unsubscribed" in page
    assert "/undo/" not in page
    with unit_of_work():
        assert suppression.lift(member.organisation, digest, reason=suppression.Reason.NOT_ME)
    assert client.post(undo).status_code == 409
    assert member.active() == set()


@pytest.mark.requirement("S-003")
def test_the_preference_page_masks_the_address_and_shows_every_list(
    client: FlaskClient, member: Member
) -> None:
    make_list(member.organisation, name="Evenings")
    page = client.get(member.preferences).text
    assert "cleo@example.org" not in page
    assert "c···@example.org" in page
    for name in ("Monthly letter", "Offers", "Evenings"):
        assert name in page


def test_leaving_and_joining_on_the_preference_page(client: FlaskClient, member: Member) -> None:
    client.post(member.preferences, data={"action": "leave", "list": member.offers.public_id})
    assert member.active() == {"Monthly letter"}
    fresh = fresh_path(member.contact.public_id)
    client.post(fresh, data={"action": "join", "list": member.offers.public_id})
    assert member.active() == {"Monthly letter", "Offers"}
    client.post(member.preferences, data={"action": "leave_all"})
    assert member.active() == set()


def test_a_list_of_another_organisation_cannot_be_joined(
    client: FlaskClient, member: Member
) -> None:
    theirs = make_list(make_organisation(DORA), name="Plants")
    fresh = fresh_path(member.contact.public_id)
    answer = client.post(fresh, data={"action": "join", "list": theirs.public_id})
    assert answer.status_code == 404
    assert member.active() == {"Monthly letter", "Offers"}


@pytest.mark.parametrize("data", [{}, {"action": "nonsense"}, {"action": "leave"}])
def test_a_press_of_no_known_button_changes_nothing(
    client: FlaskClient, member: Member, data: dict[str, str]
) -> None:
    assert client.post(member.preferences, data=data).status_code in (400, 404)
    assert member.active() == {"Monthly letter", "Offers"}


def test_coming_back_after_stopping_everything_lifts_only_what_was_joined(
    client: FlaskClient, member: Member
) -> None:
    client.post(member.link, data={"scope": "all"})
    fresh = fresh_path(member.contact.public_id)
    client.post(fresh, data={"action": "join", "list": member.letter.public_id})
    assert member.active() == {"Monthly letter"}
