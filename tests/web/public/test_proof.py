"""One's own proof by mailed link, and the page on which anybody checks one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect

from mailer import accounts, consent, contacts, proofs, suppression
from mailer.contacts import ContactDraft
from mailer.devkit import EmbeddedRedis
from mailer.foundation.addresses import mask_address, parse_address
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.suppression import Reason, Scope
from mailer.transactional import MessageKind, TransactionalMessage
from tests.support.factories import DORA, link_in, make_list, make_organisation
from tests.support.keeping import keep
from tests.support.make_consents import Cleo, make_cleo
from tests.support.verifying import ROOT, VECTORS, judge


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def preferences(cleo: Cleo) -> str:
    return f"/p/{sign_lasting(Purpose.PREFERENCES, cleo.contact.public_id)}"


def link_mails() -> list[TransactionalMessage]:
    query = sa.select(TransactionalMessage)
    return list(
        db.session.scalars(query.where(TransactionalMessage.kind == MessageKind.PROOF_LINK))
    )


def proof_link(client: FlaskClient, cleo: Cleo) -> str:
    client.post(f"{preferences(cleo)}/proof")
    return link_in(link_mails()[-1], "proof")


def test_one_mailbox_gets_few_mailed_links_however_many_of_its_addresses_are_known(
    app: Flask, redis_server: EmbeddedRedis
) -> None:
    mailed = 0
    for place in range(12):
        organisation = make_organisation(replace(DORA, name=f"Organisation {place}"))
        make_list(organisation)
        with unit_of_work():
            address = parse_address(f"c.leo+{place}@gmail.com")
            subject = consent.create_subject(organisation)
            draft = ContactDraft(address=address, language="en")
            mailed += proofs.mail_proof_link(contacts.get_or_create(organisation, draft, subject))
    assert mailed == len(link_mails()) == 10


@pytest.mark.requirement("S-003")
def test_the_preference_page_hands_out_nothing_but_mails_a_link(
    client: FlaskClient, cleo: Cleo
) -> None:
    page = client.get(preferences(cleo)).text
    assert "Mail me the link to my proof" in page
    answer = client.post(f"{preferences(cleo)}/proof")
    assert answer.status_code == 200
    assert cleo.contact.address not in answer.text
    assert mask_address(cleo.contact.address or "") in answer.text
    (mail,) = link_mails()
    assert mail.to_address == cleo.contact.address
    link = link_in(mail, "proof")
    assert link not in answer.text


@pytest.mark.requirement("T-040")
@pytest.mark.requirement("S-003")
def test_behind_the_link_looking_shows_and_pressing_hands_out(
    client: FlaskClient, cleo: Cleo, settings: Settings
) -> None:
    keep(settings)
    link = proof_link(client, cleo)
    page = client.get(link)
    assert "Keep the proof for Monthly letter" in page.text
    assert cleo.contact.address not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    noted = "handed a person their own proof"
    assert accounts.list_noted(cleo.organisation, noted, since=cleo.contact.created_at) == []
    answer = client.post(link, data={"list": cleo.letter.public_id})
    assert answer.mimetype == "application/zip"
    assert judge(answer.data, proofs.policy_text().encode())["ok"]
    assert len(accounts.list_noted(cleo.organisation, noted, since=cleo.contact.created_at)) == 1
    assert "Keep the proof for Measuring opens and clicks" in page.text
    measured = client.post(link, data={"list": "tracking"})
    assert measured.mimetype == "application/zip"
    assert judge(measured.data, proofs.policy_text().encode())["ok"]


def test_before_the_log_has_signed_the_page_says_so(client: FlaskClient, cleo: Cleo) -> None:
    page = client.get(proof_link(client, cleo)).text
    assert "not yet anchored" in page
    assert "Try again in a minute" in page


def test_asking_twice_in_a_row_sends_one_mail_and_answers_alike(
    client: FlaskClient, cleo: Cleo
) -> None:
    answers = [client.post(f"{preferences(cleo)}/proof").text for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(link_mails()) == 1


@pytest.mark.requirement("C-082")
def test_somebody_who_wants_no_mail_at_all_gets_none(client: FlaskClient, cleo: Cleo) -> None:
    with unit_of_work():
        digest = cleo.contact.address_digest
        assert digest is not None
        suppression.suppress(cleo.organisation, digest, scope=Scope.ALL_MAIL, reason=Reason.NOT_ME)
    assert client.post(f"{preferences(cleo)}/proof").status_code == 200
    assert link_mails() == []


def test_a_foreign_or_old_link_hands_out_nothing(
    client: FlaskClient, cleo: Cleo, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = proof_link(client, cleo)
    for path in ("/proof/nonsense", link[:-3] + "xyz", preferences(cleo).replace("/p/", "/proof/")):
        assert client.get(path).status_code in (400, 404, 410)
        assert client.post(path, data={"list": cleo.letter.public_id}).status_code in (
            400,
            404,
            410,
        )
    later = now().timestamp() + proofs.LINK_LIFE.total_seconds() + 60
    monkeypatch.setattr("time.time", lambda: later)
    assert client.get(link).status_code == 410
    assert client.post(link, data={"list": cleo.letter.public_id}).status_code == 410


def test_a_list_of_another_organisation_is_not_to_be_had(client: FlaskClient, cleo: Cleo) -> None:
    assert client.post(proof_link(client, cleo), data={"list": "lst_none"}).status_code == 404


@pytest.mark.requirement("T-045")
def test_the_page_of_the_verifier_runs_under_a_policy_that_allows_nothing_else(
    client: FlaskClient, browser: Browser
) -> None:
    answer = client.get("/verify")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "connect-src" not in policy
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.route(
        "**/*",
        lambda route: route.fulfill(
            status=200, body=answer.data, headers=dict(answer.headers.items())
        ),
    )
    page.goto("http://localhost/verify")
    page.get_by_label("The bundle", exact=True).set_input_files(VECTORS / "good.zip")
    page.get_by_label("The policy", exact=True).set_input_files(VECTORS / "full.txt")
    page.get_by_role("button", name="Check the bundle").click()
    expect(page.get_by_role("heading", name="Everything that the policy demands")).to_be_focused()
    assert refused == []
    page.close()


def test_both_verifiers_can_be_kept_as_files(client: FlaskClient) -> None:
    for name in ("verify.html", "verify.py"):
        answer = client.get(f"/verify/{name}")
        assert answer.data == (ROOT / "mailer" / "verifier" / name).read_bytes()
        assert "attachment" in answer.headers["Content-Disposition"]
