"""The bundle of one person and list: whole, checked by others, in the person's language."""

from __future__ import annotations

import hashlib
import html
import io
import json
import zipfile
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from mailer import consent, forms, lists, organisations, proofs, tracking
from mailer.consent import ConsentRecord, ConsentState
from mailer.foundation.blotting import blot
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import NotFound
from mailer.foundation.settings import Settings
from mailer.lists import ListDraft
from mailer.proofs import Bundle
from tests.support.factories import make_list
from tests.support.keeping import keep
from tests.support.make_consents import Cleo, erase, make_cleo
from tests.support.verifying import (
    flip_in,
    judge,
    judge_in_browser,
    open_verifier,
    places_in,
)


@pytest.fixture
def cleo(client: FlaskClient, settings: Settings) -> Cleo:
    """Joined the letter, left the box of the offers empty; the log has signed it."""
    cleo = make_cleo(client)
    keep(settings)
    return cleo


def members_of(bundle: Bundle) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle.body)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def policy() -> bytes:
    return proofs.policy_text().encode()


def payloads(members: dict[str, bytes]) -> list[dict[str, Any]]:
    return [json.loads(members[path]) for path in sorted(members) if path.endswith("payload.json")]


@pytest.mark.requirement("T-040")
@pytest.mark.requirement("T-041")
@pytest.mark.requirement("C-045")
def test_a_bundle_is_verified_by_a_policy_that_is_not_in_it(cleo: Cleo) -> None:
    bundle = proofs.build_bundle(cleo.contact, cleo.letter)
    answer = judge(bundle.body, policy())
    assert answer["ok"], answer["sentences"]
    assert not bundle.is_waiting
    assert [event[1] for event in answer["story"]] == ["requested", "given"]
    none = {line for line, status in answer["lines"].items() if status == "none"}
    assert none == {"witnesses", "timestamp"}
    assert answer["not_proven"][0].startswith("Operator-asserted only")


@pytest.mark.requirement("T-040")
@pytest.mark.requirement("C-042")
@pytest.mark.requirement("C-044")
def test_a_bundle_holds_texts_word_for_word_and_the_mail_without_the_secrets_of_its_links(
    cleo: Cleo,
) -> None:
    members = members_of(proofs.build_bundle(cleo.contact, cleo.letter))
    given = payloads(members)[1]
    mail = given["evidence"]["confirmation_mail"]
    subject = consent.get_subject(cleo.contact.subject_id)
    body = members[f"mail/{mail['blotted_sha256']}.eml"]
    whole = consent.get_blob(subject, mail["sha256"])
    token = cleo.confirm_link.removeprefix("/c/")
    assert body == blot(whole)
    assert hashlib.sha256(body).hexdigest() == mail["blotted_sha256"]
    assert hashlib.sha256(token.encode()).hexdigest() in mail["link_sha256s"]
    assert given["evidence"]["confirmation"]["token_sha256"] in mail["link_sha256s"]
    assert b"Confirm my subscription" in body
    assert b"*" * 43 in body
    assert (mail["reply_code"], mail["reply_text"]) == ("250", "queued as 4711")
    for key in ("definition_sha256", "notice_sha256"):
        sha256 = given["evidence"]["submission"][key]
        assert hashlib.sha256(members[f"texts/{sha256}.json"]).hexdigest() == sha256
    form = json.loads(members[f"texts/{given['evidence']['submission']['definition_sha256']}.json"])
    labels = [control["label"] for control in form["definition"]["controls"]]
    shown = given["evidence"]["submission"]["controls"]
    assert [control["label"] for control in shown] == labels
    assert {control["is_ticked"] for control in shown} == {True, False}


@pytest.mark.requirement("T-020")
@pytest.mark.requirement("T-040")
def test_before_the_log_has_signed_a_bundle_says_so_and_does_not_pass(
    client: FlaskClient, settings: Settings
) -> None:
    cleo = make_cleo(client)
    bundle = proofs.build_bundle(cleo.contact, cleo.letter)
    assert bundle.is_waiting
    members = members_of(bundle)
    assert b"NOT YET ANCHORED" in members["README.txt"]
    assert "Not yet anchored" in members["summary.html"].decode()
    (one,) = [found for found in proofs.list_provable(cleo.contact) if found.mailing_list == cleo.letter]  # fmt: skip
    assert one.checkpoint is None
    keep(settings)
    answer = judge(bundle.body, policy())
    failed = [line for line, status in answer["lines"].items() if status == "failed"]
    assert failed == ["inclusion", "log", "witnesses"]
    assert "Not yet anchored" in answer["sentences"][7]
    assert judge(proofs.build_bundle(cleo.contact, cleo.letter).body, policy())["ok"]


def test_the_summary_lists_the_disclosure_as_the_form_shows_it(
    cleo: Cleo, client: FlaskClient
) -> None:
    form = client.get(f"/f/{cleo.form.public_id}").text
    summary = members_of(proofs.build_bundle(cleo.contact, cleo.letter))["summary.html"].decode()
    as_read = summary.partition("Ask for the confirmation mail")[0]
    for page in (form, as_read):
        places = [page.rindex(html.escape(heading)) for _, heading in forms.SLOTS]
        assert places == sorted(places)


@pytest.mark.requirement("T-044")
@pytest.mark.requirement("C-047")
def test_what_came_later_shows_in_a_newer_bundle(cleo: Cleo, settings: Settings) -> None:
    old = proofs.build_bundle(cleo.contact, cleo.letter)
    cleo.leave(cleo.letter)
    keep(settings)
    left = proofs.build_bundle(cleo.contact, cleo.letter)
    assert "not ended by any record here" in judge(old.body, policy())["sentences"][-1]
    assert "and ended: withdrawn at" in judge(left.body, policy())["sentences"][-1]
    (told,) = json.loads(members_of(left)["later-events.json"])
    assert told["stands"] is False
    assert [event["state"] for event in told["later"]] == ["withdrawn"]
    cleo.join(cleo.letter)
    keep(settings)
    again = judge(proofs.build_bundle(cleo.contact, cleo.letter).body, policy())
    assert again["ok"], again["sentences"]
    states = [event[1] for event in again["story"]]
    assert states == ["requested", "given", "withdrawn", "given"]


@pytest.mark.requirement("C-047")
def test_a_refusal_has_its_own_proof_and_lists_are_kept_apart(cleo: Cleo) -> None:
    bundle = proofs.build_bundle(cleo.contact, cleo.offers)
    answer = judge(bundle.body, policy())
    assert answer["ok"], answer["sentences"]
    assert [event[1] for event in answer["story"]] == ["refused"]
    told = payloads(members_of(bundle))
    assert {payload["mailing_list"]["name"] for payload in told} == {"Offers"}


@pytest.mark.requirement("C-045")
@pytest.mark.requirement("C-044")
def test_a_bundle_tells_the_old_words_after_everything_was_renamed(cleo: Cleo) -> None:
    with unit_of_work():
        sender = organisations.get_sender_by_id(cleo.letter.sender_id)
        draft = ListDraft(
            name="Quite another name",
            frequency="daily",
            purpose=cleo.letter.purpose,
            sender=sender,
        )
        lists.change_list(cleo.letter, draft)
        lists.archive_list(cleo.letter)
    members = members_of(proofs.build_bundle(cleo.contact, cleo.letter))
    page = members["summary.html"].decode()
    assert "Monthly letter" in page
    assert "Quite another name" not in page
    assert "once a month" in page


@pytest.mark.requirement("C-045")
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Proof of consent", "consent given", "ticked", "left empty", "queued as 4711")),
        (
            "de",
            ("Nachweis der Einwilligung", "Einwilligung erteilt", "angekreuzt", "leer gelassen"),
        ),
        ("sk", ("Doklad o súhlase", "súhlas udelený", "označené", "neoznačené")),
        ("cs", ("Doklad o souhlasu", "souhlas udělen", "označeno", "neoznačeno")),
        ("fr", ("Proof of consent",)),
    ],
)
def test_the_summary_speaks_the_language_of_the_person(
    cleo: Cleo, language: str, words: tuple[str, ...]
) -> None:
    with unit_of_work():
        cleo.contact.language = language
    page = members_of(proofs.build_bundle(cleo.contact, cleo.letter))["summary.html"].decode()
    spoken = "en" if language == "fr" else language
    assert f'<html lang="{spoken}">' in page
    for word in (*words, "cleo@example.org", "Harbour Books Ltd"):
        assert word in page, word


@pytest.mark.requirement("T-045")
def test_every_member_of_a_real_bundle_is_guarded_in_both_verifiers(
    cleo: Cleo, browser: Browser
) -> None:
    bundle, trusted = proofs.build_bundle(cleo.contact, cleo.letter).body, policy()
    page = open_verifier(browser)
    assert judge_in_browser(page, bundle, trusted)["ok"]
    for place in places_in(bundle):
        for offset in {0, place.size // 2, place.size - 1}:
            changed = flip_in(bundle, place, offset)
            assert not judge(changed, trusted)["ok"], (place.path, offset)
            assert not judge_in_browser(page, changed, trusted)["ok"], (place.path, offset)
    page.context.close()


def test_the_summary_can_be_read_by_everybody(cleo: Cleo, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800})
    with unit_of_work():
        cleo.contact.language = "sk"
    members = members_of(proofs.build_bundle(cleo.contact, cleo.letter))
    page.set_content(members["summary.html"].decode())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(wide) is False
    page.close()


def test_after_an_erasure_there_is_nothing_to_hand_out(cleo: Cleo) -> None:
    erase(cleo)
    with pytest.raises(NotFound, match="Nothing is recorded"):
        proofs.build_bundle(cleo.contact, cleo.letter)
    assert proofs.list_provable(cleo.contact) == []


def test_a_list_nobody_asked_about_has_no_proof(cleo: Cleo) -> None:
    other = make_list(cleo.organisation, name="Another")
    with pytest.raises(NotFound, match="Nothing is recorded"):
        proofs.build_bundle(cleo.contact, other)
    assert [one.name for one in proofs.list_provable(cleo.contact)] == [
        "Monthly letter",
        "Offers",
        "Measuring opens and clicks",
    ]


@pytest.mark.requirement("C-103")
@pytest.mark.parametrize("language", ["en", "de", "sk", "cs"])
def test_measuring_has_a_proof_of_its_own(
    cleo: Cleo, settings: Settings, language: str, browser: Browser
) -> None:
    with unit_of_work():
        tracking.stop(cleo.contact, {"method": "preference page"})
        cleo.contact.language = language
    keep(settings)
    bundle = proofs.build_bundle(cleo.contact, None)
    assert bundle.filename == f"proof-{cleo.contact.public_id}-tracking.zip"
    answer = judge(bundle.body, policy())
    assert answer["ok"], answer["sentences"]
    assert [event[1] for event in answer["story"]] == ["requested", "given", "withdrawn"]
    members = members_of(bundle)
    told = payloads(members)
    assert {(payload["matter"], payload["mailing_list"]) for payload in told} == {
        ("tracking", None)
    }
    manifest = json.loads(members["manifest.json"])
    assert (manifest["matter"], manifest["mailing_list"]) == ("tracking", None)
    assert b"about one person and measuring" in members["README.txt"]
    title = {"en": "Measuring", "de": "Messen", "sk": "Meranie", "cs": "Měření"}[language]
    assert f": {title} " in members["summary.html"].decode()
    if language == "en":
        page = open_verifier(browser)
        assert judge_in_browser(page, bundle.body, policy()) == answer
        page.context.close()


def test_nobody_who_was_never_asked_has_a_proof_about_measuring(cleo: Cleo) -> None:
    erase(cleo)
    with pytest.raises(NotFound, match="this person and measuring"):
        proofs.build_bundle(cleo.contact, None)


def test_what_somebody_typed_cannot_write_into_the_summary(cleo: Cleo, settings: Settings) -> None:
    with unit_of_work():
        subject = consent.get_subject(cleo.contact.subject_id)
        about = consent.About(cleo.letter)
        evidence = {"method": "<script>alert(1)</script>", "user_agent": '"><img src=x>'}
        record = consent.record_given(subject, about, evidence)
    assert record.state is ConsentState.RENEWED
    keep(settings)
    bundle = proofs.build_bundle(cleo.contact, cleo.letter)
    page = members_of(bundle)["summary.html"].decode()
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert judge(bundle.body, policy())["ok"]


@pytest.mark.requirement("C-049")
def test_an_imported_consent_brings_along_the_words_and_the_record_that_was_answered(
    cleo: Cleo, settings: Settings
) -> None:
    wording = consent.canonical_json({"kind": "imported-wording", "text": "Yes, letters please."})
    with unit_of_work():
        sha256 = consent.store_text(wording, "application/json")
        (stranger,) = consent.create_subjects(cleo.organisation, 1)
        told = {
            "leg": "import",
            "address": "Cleo@Example.org",
            "source": "shop till",
            "wording_sha256": sha256,
        }
        (row_id,) = consent.record_imported_many(
            cleo.organisation,
            cleo.offers,
            ConsentState.UNKNOWN,
            [(stranger, {"imported": told}, None)],
        )
        asked = db.session.get_one(ConsentRecord, row_id)
        subject = consent.get_subject(cleo.contact.subject_id)
        consent.record_given(
            subject, consent.About(cleo.offers), {"submission": told}, follows=asked
        )
    keep(settings)
    bundle = proofs.build_bundle(cleo.contact, cleo.offers)
    answer = judge(bundle.body, policy())
    assert answer["ok"], answer["sentences"]
    assert [event[1] for event in answer["story"]] == ["refused", "unknown", "given"]
    members = members_of(bundle)
    assert members[f"texts/{sha256}.json"] == wording
    page = members["summary.html"].decode()
    for words in ("Brought in by an import", "shop till", "Yes, letters please."):
        assert words in page
