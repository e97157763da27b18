"""People: finding them, and everything that is recorded about one."""

from __future__ import annotations

import pytest
from flask import Flask

from mailer import consent, signup, subscriptions, suppression, transactional
from mailer.accounts import Role
from mailer.contacts import Contact
from mailer.forms import Form
from mailer.foundation import clock
from mailer.foundation.blotting import link_digests
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.signup import ConfirmingAct
from mailer.suppression import Reason, Scope
from mailer.transport import Outcome, OutcomeKind
from tests.support.factories import (
    DORA,
    mails_for,
    make_form,
    make_list,
    make_organisation,
    make_request,
    newest_version,
    submission,
)
from tests.support.make_accounts import TeamClient, make_account, team_client
from tests.support.make_audience import make_people


@pytest.fixture
def form(organisation: Organisation, mailing_list: MailingList) -> Form:
    return make_form(organisation, mailing_list)


def answer(kind: OutcomeKind, code: int, text: str) -> Outcome:
    return Outcome(
        key="1",
        kind=kind,
        code=code,
        enhanced=None,
        text=text,
        relay="mx.example.net:25",
        at=clock.now(),
        stage="body",
        tls=True,
    )


def ask(
    organisation: Organisation,
    form: Form,
    *ticked: MailingList,
    address: str = "cleo@example.org",
    unticked: tuple[MailingList, ...] = (),
    outcome: Outcome | None = None,
) -> signup.SignupRequest:
    """A request whose confirmation mail has been answered for."""
    submitted = submission(organisation, form, *ticked, unticked=unticked, address=address)
    sha256 = newest_version(form).definition_sha256
    evidence = {**submitted.evidence, "definition_sha256": sha256, "form_version": 1}
    object.__setattr__(submitted, "evidence", evidence)
    request = make_request(submitted)
    message = mails_for(request)[0]
    with unit_of_work():
        transactional.claim_due("test", 10)
        body = bytes(message.body or b"")
        outcome = outcome or answer(OutcomeKind.ACCEPTED, 250, "queued as 4Wz9")
        transactional.settle(message, outcome, owner=message.owner)
        signup.keep_mail_evidence(message, body, outcome)
    return request


def join(
    organisation: Organisation, form: Form, *ticked: MailingList, address: str = "cleo@example.org"
) -> Contact:
    request = ask(organisation, form, *ticked, address=address)
    act = ConfirmingAct(
        method="POST",
        token_digest="ab" * 32,
        ip="192.0.2.0/24",
        user_agent="Firefox",
        shown_at=clock.now(),
    )
    with unit_of_work():
        return signup.confirm(request, act).contact


def test_a_confirmed_person_stands_in_the_list_with_their_lists(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    join(organisation, form, mailing_list)
    page = ada.get("/admin/people/")
    assert page.status_code == 200
    assert "cleo@example.org" in page.text
    assert "subscribed" in page.text
    assert "Monthly letter" in page.text
    assert "One person is subscribed, with proof." in page.text


@pytest.mark.requirement("C-046")
def test_the_list_of_people_shows_no_network_address(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    contact = join(organisation, form, mailing_list)
    assert "192.0.2." not in ada.get("/admin/people/").text
    assert "192.0.2.0/24" in ada.get(f"/admin/people/{contact.public_id}").text


def test_searching_finds_part_of_an_address_and_says_when_nobody_matches(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    join(organisation, form, mailing_list)
    join(organisation, form, mailing_list, address="eve@example.com")
    found = ada.get("/admin/people/?search=CLEO@").text
    assert "cleo@example.org" in found
    assert "eve@example.com" not in found
    nobody = ada.get("/admin/people/?search=%25%00'<b>").text
    assert "Nobody matches" in nobody
    assert "<b>" not in nobody


def test_the_pages_of_the_list_lead_older_and_newer_and_keep_the_search(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    for number in range(51):
        join(organisation, form, mailing_list, address=f"reader{number:02}@example.org")
    first = ada.get("/admin/people/?search=reader").text
    assert "reader50@example.org" in first
    assert "reader00@example.org" not in first
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = ada.get(older).text
    assert "reader00@example.org" in second
    assert "search=reader" in older
    assert 'rel="prev"' in second


@pytest.mark.requirement("C-044")
def test_a_person_shows_the_three_legs_and_the_texts_as_they_read_then(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    contact = join(organisation, form, mailing_list)
    page = ada.get(f"/admin/people/{contact.public_id}").text
    for words in ("The form was sent", "The confirmation mail", "The confirming act"):
        assert words in page
    assert "Yes, send me Monthly letter" in page  # the label that was ticked
    assert "As it read then: The form" in page
    assert "How to stop" in page  # a slot of the disclosure
    assert "As it read then: The page with the button" in page
    assert "queued as 4Wz9" in page
    assert "subscribed, with proof" in page
    record = consent.timeline([contact.subject_id])[0].record
    assert record.commitment.hex() in page


@pytest.mark.requirement("C-047")
def test_what_was_left_unticked_and_what_was_withdrawn_is_told_too(
    organisation: Organisation, mailing_list: MailingList, ada: TeamClient
) -> None:
    other = make_list(organisation, name="Evenings")
    both = make_form(organisation, mailing_list, other)
    request = ask(organisation, both, mailing_list, unticked=(other,))
    with unit_of_work():
        act = ConfirmingAct(
            method="POST", token_digest="ab" * 32, ip="", user_agent="", shown_at=None
        )
        contact = signup.confirm(request, act).contact
    with unit_of_work():
        subscriptions.unsubscribe(contact, mailing_list, {"method": "one-click in the mail"})
    page = ada.get(f"/admin/people/{contact.public_id}").text
    assert "left unticked" in page
    assert "withdrawn" in page
    assert "one-click in the mail" in page


@pytest.mark.requirement("C-045")
def test_opened_in_full_nothing_of_a_person_is_folded_away(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    contact = join(organisation, form, mailing_list)
    folded = ada.get(f"/admin/people/{contact.public_id}").text
    whole = ada.get(f"/admin/people/{contact.public_id}?open=all").text
    assert '<details class="disclosure" id=' in folded
    assert whole.count('<details class="disclosure"') == whole.count(" open>") > 0


@pytest.mark.requirement("C-042")
def test_the_confirmation_mail_can_be_kept_without_the_secrets_of_its_links(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    contact = join(organisation, form, mailing_list)
    page = ada.get(f"/admin/people/{contact.public_id}").text
    path = page.partition("/evidence/")[2].partition('"')[0]
    mail = ada.get(f"/admin/people/{contact.public_id}/evidence/{path}")
    assert mail.status_code == 200
    assert mail.mimetype == "message/rfc822"
    assert b"Subject: Please confirm" in mail.data
    assert mail.data.count(b"*" * 43) >= 2
    assert link_digests(mail.data) == []
    assert "attachment" in mail.headers["Content-Disposition"]
    assert ada.get(f"/admin/people/{contact.public_id}/evidence/{'0' * 64}").status_code == 404


def test_a_suppressed_address_says_why_on_the_page_of_the_person(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    contact = join(organisation, form, mailing_list)
    with unit_of_work():
        suppression.suppress(
            organisation,
            contact.address_digest or "",
            scope=Scope.MARKETING,
            reason=Reason.OBJECTION,
        )
    page = ada.get(f"/admin/people/{contact.public_id}").text
    assert "Not to be mailed" in page
    assert "Objected" in page


def test_an_erased_person_is_an_empty_shell_whose_records_stay(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    contact = join(organisation, form, mailing_list)
    seal = consent.timeline([contact.subject_id])[0].record.commitment.hex()
    with unit_of_work():
        subscriptions.unsubscribe_all(contact, {"method": "erasure"})
        consent.erase_subject(consent.get_subject(contact.subject_id))
        contact.address = contact.address_digest = None
        contact.first_name, contact.fields, contact.erased_at = "", {}, clock.now()
    page = ada.get(f"/admin/people/{contact.public_id}")
    assert page.status_code == 200
    assert "This person was erased" in page.text
    assert seal in page.text
    for gone in ("cleo@example.org", "Cleo", "192.0.2.", "Yes, send me"):
        assert gone not in page.text


@pytest.mark.requirement("C-029")
def test_who_has_not_confirmed_waits_apart_with_the_reply_of_the_mail_server(
    organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    ask(organisation, form, mailing_list)
    refused = answer(OutcomeKind.REFUSED, 550, "5.1.1 No such user")
    ask(organisation, form, mailing_list, address="wrong@example.com", outcome=refused)
    waiting = ada.get("/admin/people/waiting").text
    assert "c···@example.org" in waiting
    assert "waiting for the click" in waiting
    assert "mail refused" in waiting
    assert "550 5.1.1 No such user" in waiting
    people = ada.get("/admin/people/").text
    assert "example.org" not in people
    assert "Nobody yet" in people


def test_somebody_of_another_organisation_sees_nobody_of_this_one(
    app: Flask, organisation: Organisation, form: Form, mailing_list: MailingList, ada: TeamClient
) -> None:
    contact = join(organisation, form, mailing_list)
    ask(organisation, form, mailing_list, address="late@example.net")
    page = ada.get(f"/admin/people/{contact.public_id}").text
    sha256 = page.partition("/evidence/")[2].partition('"')[0]
    dora = team_client(app, make_account(make_organisation(DORA), name="Dora"))
    assert "cleo@example.org" not in dora.get("/admin/people/?search=cleo").text
    assert "example.net" not in dora.get("/admin/people/waiting").text
    assert dora.get(f"/admin/people/{contact.public_id}").status_code == 404
    assert dora.get(f"/admin/people/{contact.public_id}/evidence/{sha256}").status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PRIVACY_OFFICER])
def test_only_those_with_the_right_to_read_people_see_them(
    app: Flask, organisation: Organisation, form: Form, mailing_list: MailingList, role: Role
) -> None:
    contact = join(organisation, form, mailing_list)
    client = team_client(app, make_account(organisation, name="Ben", role=role))
    expected = 403 if role is Role.VIEWER else 200
    for path in ("/admin/people/", "/admin/people/waiting", f"/admin/people/{contact.public_id}"):
        assert client.get(path).status_code == expected, path


def test_an_unknown_person_is_not_found(ada: TeamClient) -> None:
    for public_id in ("con_nobody", "waiting2", "con_" + "x" * 3000):
        assert ada.get(f"/admin/people/{public_id}").status_code == 404


@pytest.mark.parametrize(
    "search",
    [
        "name@xn--bcher-kva.example",
        "<NAME@XN--BCHER-KVA.EXAMPLE>",
        "xn--bcher-kva",
        "NAME@BÜCHER.EXAMPLE",
        "ZOË",
        "zoe",
        "lukaszka",
    ],
)
def test_a_person_is_found_by_any_way_to_write_their_address_or_name(
    ada: TeamClient, mailing_list: MailingList, search: str
) -> None:
    make_people(mailing_list, 1)
    changes = {"address": "name@bücher.example", "first_name": "Zoë", "last_name": "Łukaszka"}
    make_people(mailing_list, 1, prefix="other", **changes)
    page = ada.get("/admin/people/", query_string={"search": search}).text
    assert "name@bücher.example" in page
    assert "reader00000" not in page
