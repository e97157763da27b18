"""Two strengths of a link: what may be forwarded lessens, what was mailed to the address does everything."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import consent, proofs, rights, signup, subscriptions, transactional
from mailer.consent import About
from mailer.erasures import AskedBy
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.tokens import Purpose, digest, sign_lasting
from mailer.jobs.transactional import settle_message
from mailer.signup import SignupRequest
from mailer.suppression import Scope, find_blocking
from mailer.tracking import ClickTokens
from mailer.transactional import MessageKind, TransactionalMessage
from mailer.transport import Outcome, OutcomeKind
from tests.support.factories import DORA, fresh_path, link_in, make_organisation
from tests.support.make_consents import Cleo, make_cleo

AROUND = (
    *(
        ".",
        ">",
        ")",
        " ",
        "/",
        "//",
        "=",
        "-",
        "_",
        "*",
        ",",
        ";",
        "\u200b",
        "\u201d",
        "\u00a0",
        "&gt;",
    ),
    *("%20", "=20", "=3D", ").", "/>", "&utm_source=x", "\u2019s"),
)


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def footer(cleo: Cleo) -> str:
    return subscriptions.preferences_url(cleo.contact.public_id).removeprefix(settings().public_url)


def mails() -> list[TransactionalMessage]:
    db.session.rollback()
    query = sa.select(TransactionalMessage).order_by(TransactionalMessage.id)
    return list(
        db.session.scalars(query.where(TransactionalMessage.kind == MessageKind.CHANGE_LINK))
    )


def settle_newest() -> bytes:
    """The newest mail goes out; its bytes."""
    with unit_of_work():
        (message,) = [
            one
            for one in transactional.claim_due("a test", 50)
            if one.kind is MessageKind.CHANGE_LINK
        ]
        body = message.body or b""
        outcome = Outcome(
            key="m",
            kind=OutcomeKind.ACCEPTED,
            code=250,
            enhanced="2.0.0",
            text="kept",
            relay="127.0.0.1:25",
            at=now(),
            stage="body",
            tls=False,
        )
        settle_message(message, outcome)
    return body


@pytest.mark.requirement("C-067")
def test_a_forwarded_mail_joins_nothing_and_the_mailed_link_joins_with_its_mail_as_evidence(
    client: FlaskClient, cleo: Cleo
) -> None:
    page = client.get(footer(cleo)).text
    assert "Mail me a link to join or change more" in page
    assert "Join Offers" not in page
    refused = client.post(footer(cleo), data={"action": "join", "list": cleo.offers.public_id})
    assert (refused.status_code, "have a link mailed" in refused.text) == (403, True)
    assert not subscriptions.is_active(cleo.contact, cleo.offers)

    assert "A link goes to" in client.post(f"{footer(cleo)}/link").text
    fresh = link_in(mails()[-1], "m")
    body = settle_newest()
    assert "Join Offers" in client.get(fresh).text
    assert not subscriptions.is_active(cleo.contact, cleo.offers)
    data = {"action": "join", "list": cleo.offers.public_id}
    done = client.post(fresh, data=data, follow_redirects=True)
    assert "You are subscribed. The consent you just gave is recorded." in done.text

    db.session.rollback()
    subject = consent.get_subject(cleo.contact.subject_id)
    given = consent.find_valid(subject, About(cleo.offers))
    assert given is not None
    evidence = (consent.read_payload(given) or {})["evidence"]
    assert evidence["method"] == "mailed link"
    assert evidence["token_sha256"] == digest(fresh.removeprefix("/m/"))
    assert evidence["mailed_at"] <= evidence["at"]
    assert consent.get_blob(subject, evidence["confirmation_mail"]["sha256"]) == body
    assert b"Join Offers" in consent.get_text(evidence["shown_sha256"]).body
    assert proofs.build_bundle(cleo.contact, cleo.offers).body


def test_a_link_whose_half_hour_is_over_says_so_and_offers_another(
    client: FlaskClient, cleo: Cleo, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = fresh_path(cleo.contact.public_id)
    monkeypatch.setattr("time.time", lambda: now().timestamp() + 31 * 60)
    data = {"action": "join", "list": cleo.offers.public_id}
    for answer in (client.get(fresh), client.post(fresh, data=data)):
        assert answer.status_code == 410
        assert "Mail me a new link" in answer.text
    assert not subscriptions.is_active(cleo.contact, cleo.offers)
    assert client.post(f"{fresh}/again").status_code == 200
    assert len(mails()) == 1


@pytest.mark.requirement("S-032")
def test_the_organisations_page_mails_a_link_and_answers_alike_for_every_address(
    client: FlaskClient, cleo: Cleo
) -> None:
    page = f"/o/{cleo.organisation.public_id}"
    shown = client.get(page).text
    assert "Harbour Books Ltd" in shown
    assert f"/f/{cleo.form.public_id}" in shown
    answers = {
        client.post(page, data={"address": one}).text for one in ("CLEO@example.org", "x@y.org")
    }
    assert len(answers) == 1
    assert [mail.to_address for mail in mails()] == ["cleo@example.org"]
    wrong = client.post(page, data={"address": "nobody"})
    assert (wrong.status_code, "nobody" in wrong.text) == (422, True)
    for elsewhere in (f"/notice/{cleo.organisation.public_id}", f"/f/{cleo.form.public_id}"):
        assert page in client.get(elsewhere).text
    assert client.get("/o/org_none").status_code == 404


@pytest.mark.requirement("C-083")
def test_whoever_blocked_all_mail_gets_at_most_two_links_a_day_and_they_lift_only_the_block(
    client: FlaskClient, cleo: Cleo
) -> None:
    dispute = f"/n/{sign_lasting(Purpose.NOT_ME, _request().public_id)}"
    client.post(dispute)
    page = f"/o/{cleo.organisation.public_id}"
    for _ in range(4):
        client.post(page, data={"address": "cleo@example.org"})
        with unit_of_work():
            for mail in mails():
                mail.created_at -= timedelta(minutes=11)
    assert len(mails()) == 2
    fresh = link_in(mails()[-1], "m")
    joined = client.post(fresh, data={"action": "join", "list": cleo.letter.public_id})
    assert joined.status_code == 409
    assert _is_blocked(cleo)
    assert (
        "The block is lifted"
        in client.post(fresh, data={"action": "lift"}, follow_redirects=True).text
    )
    assert not _is_blocked(cleo)
    assert not subscriptions.is_active(cleo.contact, cleo.letter)


@pytest.mark.requirement("C-032")
@pytest.mark.parametrize(
    "before",
    ["nothing", "left", "left and undone", "rejoined", "erased", "left and erased", "disputed"],
)
def test_i_did_not_ask_for_this_always_blocks_the_address(
    client: FlaskClient, cleo: Cleo, before: str
) -> None:
    request = _request()
    path = f"/n/{signup.sign_dispute_link(request.public_id, request.address_digest)}"
    digest_of_address = request.address_digest or ""
    if "left" in before or before == "rejoined":
        done = client.post(footer(cleo), data={"action": "leave_all"})
    if "undone" in before:
        token = parse_qs(urlsplit(done.headers["Location"]).query)["undo"][0]
        client.post(f"/undo/{token}")
        assert subscriptions.is_active(cleo.contact, cleo.letter)
    if before == "rejoined":
        data = {"action": "join", "list": cleo.letter.public_id}
        client.post(fresh_path(cleo.contact.public_id), data=data)
    if "erased" in before:
        with unit_of_work():
            rights.erase(cleo.contact, asked_by=AskedBy.PERSON, evidence={"method": "a test"})
    for _ in range(2):
        if before == "disputed":
            client.post(path)
        answer = client.post(path)
        assert (answer.status_code, "No further mail" in answer.text) == (200, True)
    db.session.rollback()
    assert find_blocking(cleo.organisation, digest_of_address, scope=Scope.ALL_MAIL) is not None
    standing = consent.list_valid(consent.get_subject(cleo.contact.subject_id), About(cleo.letter))
    assert len(standing) == (1 if before == "rejoined" else 0)


@pytest.mark.parametrize("end", AROUND)
def test_what_stands_around_a_link_is_taken_off(client: FlaskClient, cleo: Cleo, end: str) -> None:
    contact, letter = cleo.contact.public_id, cleo.letter.public_id
    request = _request().public_id
    unsubscribe = sign_lasting(Purpose.UNSUBSCRIBE, contact, letter, "cmp_gone")
    for path in (
        cleo.confirm_link,
        footer(cleo),
        fresh_path(contact),
        f"/n/{sign_lasting(Purpose.NOT_ME, request)}",
        f"/t/{ClickTokens('cmp_gone').make(contact)}",
        f"/r/{sign_lasting(Purpose.RECEIPT, contact, letter)}",
        f"/u/{unsubscribe}",
    ):
        assert client.get(f"{path}{quote(end, safe='/')}").status_code == 200, path
    done = client.post(
        f"/u/{unsubscribe}{quote(end, safe='/')}", data={"List-Unsubscribe": "One-Click"}
    )
    assert done.status_code == 200
    db.session.rollback()
    assert not subscriptions.is_active(cleo.contact, cleo.letter)


def test_a_dead_end_leads_to_the_organisation_its_link_names_and_to_no_other(
    client: FlaskClient, cleo: Cleo
) -> None:
    other = make_organisation(DORA)
    damaged = (footer(cleo)[:-9], fresh_path(cleo.contact.public_id)[:-9], cleo.confirm_link[:-9])
    for path in damaged:
        for method in ("GET", "POST"):
            answer = client.open(path, method=method)
            assert answer.status_code == 410
            assert f"/o/{cleo.organisation.public_id}" in answer.text
    for path in ("/p/x", "/nowhere", "/c/x/1", *(f"/m/{'x' * length}" for length in (41, 42, 43))):
        answer = client.get(path)
        assert answer.status_code in (404, 410)
        assert "use the link at the foot of a newer one" in answer.text
        for organisation in (cleo.organisation, other):
            assert organisation.public_id not in answer.text
            assert organisation.name not in answer.text


def _request() -> SignupRequest:
    return db.session.scalars(sa.select(SignupRequest)).one()


def _is_blocked(cleo: Cleo) -> bool:
    db.session.rollback()
    return subscriptions.is_blocked(cleo.organisation, cleo.contact.address_digest)
