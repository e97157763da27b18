"""The person's own copies: on the confirmed page, from the preference page, as files, by mail."""

from __future__ import annotations

import email
import json
import re
from email.policy import SMTP

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import receipts, subscriptions
from mailer.foundation.addresses import mask_address
from mailer.foundation.context import settings
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.tokens import Purpose, sign_lasting
from mailer.suppression import Reason, Scope, suppress
from mailer.transactional import MessageKind, TransactionalMessage
from tests.receipts.vocabulary import faults
from tests.support.make_consents import Cleo, erase, make_cleo, sign_log

NOBODY = "con_" + "A" * 22


@pytest.fixture
def cleo(client: FlaskClient) -> Cleo:
    return make_cleo(client)


def preferences(cleo: Cleo) -> str:
    return subscriptions.preferences_url(cleo.contact.public_id).removeprefix(settings().public_url)


def receipt_link(page: str, name: str) -> str:
    found = re.search(rf'<a href="([^"]+)">Receipt for {name}</a>', page)
    assert found is not None, page
    return found.group(1)


def letter_link(client: FlaskClient, cleo: Cleo) -> str:
    return receipt_link(client.get(preferences(cleo)).text, "Monthly letter")


def receipt_mails() -> list[TransactionalMessage]:
    db.session.rollback()
    query = sa.select(TransactionalMessage).where(TransactionalMessage.kind == MessageKind.RECEIPT)
    return list(db.session.scalars(query))


@pytest.mark.requirement("R-011")
def test_the_confirmed_page_leads_to_a_receipt_for_each_consent(
    client: FlaskClient, cleo: Cleo
) -> None:
    page = client.get(cleo.confirm_link)
    for name in ("Monthly letter", "Measuring opens and clicks"):
        shown = client.get(receipt_link(page.text, name))
        assert shown.status_code == 200
        assert "Your consent receipt" in shown.text
    assert "Receipt for Offers" not in page.text


@pytest.mark.requirement("R-001")
@pytest.mark.requirement("R-003")
@pytest.mark.requirement("R-012")
def test_the_file_is_a_valid_signed_receipt(client: FlaskClient, cleo: Cleo) -> None:
    answer = client.get(f"{letter_link(client, cleo)}/receipt.json")
    assert answer.mimetype == "application/ld+json"
    assert "attachment" in answer.headers["Content-Disposition"]
    document = json.loads(answer.data)
    assert faults("receipt", document) == []
    assert document["dct:conformsTo"].endswith("dpv-27560#receipt-eu-gdpr")
    assert document["dpv:hasRecordOfActivity"][0]["x:madeValidBy"] == cleo.given().public_id
    assert receipts.check_document(document).verdict is receipts.Verdict.GENUINE
    again = json.loads(client.get(f"{letter_link(client, cleo)}/receipt.json").data)
    assert again["dct:identifier"] != document["dct:identifier"]


def test_the_record_is_a_file_too(client: FlaskClient, cleo: Cleo) -> None:
    document = json.loads(client.get(f"{letter_link(client, cleo)}/record.json").data)
    assert faults("record", document) == []


@pytest.mark.requirement("R-010")
def test_the_kantara_export_names_the_notice_in_force_then(client: FlaskClient, cleo: Cleo) -> None:
    with unit_of_work():
        cleo.organisation.phone = "+353 1 555 0142"
    document = json.loads(client.get(f"{letter_link(client, cleo)}/kantara.json").data)
    assert document["version"] == "KI-CR-v1.1.0"
    assert document["policyUrl"].endswith(f"/notice/{cleo.organisation.public_id}/1")
    assert client.get(document["policyUrl"]).status_code == 200
    assert document["consentTimestamp"] == int(cleo.given().recorded_at.timestamp())
    assert document["piiControllers"][0]["phone"] == "+353 1 555 0142"
    (service,) = document["services"]
    assert service["purposes"][0]["consentType"] == "EXPLICIT"
    assert document["piiPrincipalId"].startswith("sub_")
    assert "cleo@example.org" not in json.dumps(document)


def test_what_was_never_agreed_to_has_no_kantara_export(client: FlaskClient, cleo: Cleo) -> None:
    link = receipt_link(client.get(preferences(cleo)).text, "Offers")
    page = client.get(link)
    assert "not agreed" in page.text
    assert "Kantara" not in page.text
    assert client.get(f"{link}/kantara.json").status_code == 404


@pytest.mark.requirement("R-005")
@pytest.mark.requirement("S-003")
def test_a_forwarded_link_shows_no_address_and_no_name(client: FlaskClient, cleo: Cleo) -> None:
    link = letter_link(client, cleo)
    for path in (link, f"{link}/receipt.json", f"{link}/record.json", f"{link}/kantara.json"):
        text = client.get(path).text
        assert "cleo@example.org" not in text
        assert "Cleo" not in text
        assert "127.0.0" not in text
    assert mask_address("cleo@example.org") in client.get(link).text


@pytest.mark.requirement("S-001")
def test_the_link_to_a_receipt_opens_nothing_else(client: FlaskClient, cleo: Cleo) -> None:
    token = letter_link(client, cleo).removeprefix("/r/")
    assert client.get(f"/p/{token}").status_code == 410
    assert client.post(f"/p/{token}", data={"action": "leave_all"}).status_code == 410
    preferences_token = preferences(cleo).removeprefix("/p/")
    assert client.get(f"/r/{preferences_token}").status_code == 410
    assert client.get("/r/damaged").status_code == 410
    assert client.get(f"/r/{sign_lasting(Purpose.RECEIPT, NOBODY, '')}").status_code == 410
    assert (
        client.get(f"/r/{sign_lasting(Purpose.RECEIPT, cleo.contact.public_id)}").status_code == 410
    )


def test_a_receipt_is_there_after_leaving_with_its_history(client: FlaskClient, cleo: Cleo) -> None:
    cleo.leave(cleo.letter)
    page = client.get(preferences(cleo))
    shown = client.get(receipt_link(page.text, "Monthly letter"))
    assert "no longer stands" in shown.text
    for word in ("Asked", "Agreed", "Withdrawn"):
        assert f"<h2>{word}</h2>" in shown.text
    everything = re.search(r'href="([^"]+)">All your receipts, also of what has ended', page.text)
    assert everything is not None
    listed = client.get(everything.group(1))
    for name in ("Monthly letter", "Offers", "Measuring opens and clicks"):
        assert f"Receipt for {name}" in listed.text


def test_a_list_that_is_closed_keeps_its_receipt(client: FlaskClient, cleo: Cleo) -> None:
    cleo.leave(cleo.letter)
    with unit_of_work():
        cleo.letter.archived_at = cleo.given().recorded_at
    assert "Monthly letter" not in client.get(preferences(cleo)).text
    link = client.get(f"/r/{receipts.sign_link(cleo.contact)}")
    assert "Receipt for Monthly letter" in link.text


@pytest.mark.requirement("T-020")
@pytest.mark.requirement("T-034")
def test_the_pages_say_whether_it_is_anchored(client: FlaskClient, cleo: Cleo) -> None:
    waiting = "Not yet anchored. It takes about a minute."
    assert waiting in client.get(cleo.confirm_link).text
    link = letter_link(client, cleo)
    assert "not yet anchored" in client.get(link).text
    size = sign_log()
    page = client.get(link).text
    assert waiting not in page
    assert "Operator-asserted only" in page
    assert cleo.given().commitment.hex() in page
    assert cleo.given().public_id in page
    assert f"<code>{size} " in page


def test_the_receipt_comes_by_mail_in_words_and_as_a_file(client: FlaskClient, cleo: Cleo) -> None:
    sign_log()
    link = letter_link(client, cleo)
    answer = client.post(f"{link}/mail")
    assert answer.status_code == 303
    assert "on its way" in client.get(answer.location).text
    (message,) = receipt_mails()
    assert message.to_address == "cleo@example.org"
    read = email.message_from_bytes(message.body or b"", policy=SMTP)
    assert read["Subject"] == "Your consent receipt: Monthly letter"
    words, file = read.iter_parts()
    text = words.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    plain = " ".join(text.split())
    assert cleo.given().public_id in plain
    assert "Checkpoint of the log" in plain
    document = json.loads(file.get_content())
    assert faults("receipt", document) == []
    assert receipts.check_document(document).verdict is receipts.Verdict.GENUINE
    assert file.get_filename() == f"receipt-{document['dct:identifier']}.json"


def test_only_so_many_receipts_are_mailed_a_day(client: FlaskClient, cleo: Cleo) -> None:
    link = letter_link(client, cleo)
    codes = [client.post(f"{link}/mail").status_code for _ in range(5)]
    assert codes[0] == 303
    assert codes[-1] == 429
    assert len(receipt_mails()) <= 3


def test_looking_mails_nothing(client: FlaskClient, cleo: Cleo) -> None:
    link = letter_link(client, cleo)
    assert client.get(f"{link}/mail").status_code == 405
    client.get(link)
    client.head(f"{link}/receipt.json")
    assert receipt_mails() == []


@pytest.mark.requirement("C-082")
def test_who_wants_no_mail_at_all_gets_no_receipt_by_mail(client: FlaskClient, cleo: Cleo) -> None:
    with unit_of_work():
        suppress(
            cleo.organisation,
            cleo.contact.address_digest or "",
            scope=Scope.ALL_MAIL,
            reason=Reason.NOT_ME,
        )
    link = letter_link(client, cleo)
    assert client.post(f"{link}/mail").status_code == 409
    assert receipt_mails() == []


def test_once_the_evidence_is_erased_nothing_but_the_lines_is_told(
    client: FlaskClient, cleo: Cleo
) -> None:
    link = letter_link(client, cleo)
    erase(cleo)
    document = json.loads(client.get(f"{link}/receipt.json").data)
    assert faults("receipt", document) == []
    assert "Yes, please send me" not in json.dumps(document)
