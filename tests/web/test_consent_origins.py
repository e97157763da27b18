"""Every document of a person says how their consent came about, and nothing that did not happen."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from email import message_from_bytes, policy
from io import BytesIO

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from mailer import campaigns, consent, contacts, delivery, imports, proofs, receipts, subscriptions
from mailer.consent import ORIGIN_WORDS, Origin
from mailer.contacts import Contact
from mailer.delivery import Composer
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.receipts import TRACKING_TOPIC
from mailer.transactional import TransactionalMessage
from tests.support.factories import fresh_path, link_in, make_list, make_organisation
from tests.support.keeping import keep
from tests.support.make_accounts import make_account, team_client
from tests.support.make_campaigns import make_started
from tests.support.make_consents import make_cleo
from tests.support.making_imports import EVIDENCE, again, bring, check, csv_of, start
from tests.support.verifying import judge

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SOURCE = "form on www.example.org"
BROUGHT = {"source": SOURCE, "method": "double opt-in", "wording": "Yes, the short series."}


@dataclass(frozen=True)
class Person:
    """Somebody on one list, who came there the real way; `also` are origins that are told of them too."""

    organisation: Organisation
    contact: Contact
    mailing_list: MailingList
    also: frozenset[Origin] = frozenset()


def by_form(client: FlaskClient) -> Person:
    cleo = make_cleo(client, tracking=False)
    return Person(cleo.organisation, cleo.contact, cleo.letter)


def on_the_preference_page(client: FlaskClient) -> Person:
    cleo = make_cleo(client, tracking=False)
    series = make_list(cleo.organisation, name="Short series")
    join = {"action": "join", "list": series.public_id}
    mailed = fresh_path(cleo.contact.public_id)
    page = client.post(mailed, data=join, follow_redirects=True).text
    assert "You are subscribed. The consent you just gave is recorded." in page
    assert "already" in client.post(mailed, data=join, follow_redirects=True).text
    return Person(cleo.organisation, cleo.contact, series, frozenset({Origin.FORM}))


def brought_with_evidence(_: FlaskClient) -> Person:
    organisation = make_organisation()
    series = make_list(organisation, name="Short series")
    found = bring(series, csv_of("short@example.org,Short"))
    check(found, evidence=EVIDENCE, date="2024-01-01", **BROUGHT)
    start(found)
    return Person(organisation, contact_of(organisation, "short@example.org"), series)


def after_a_permission_mail(client: FlaskClient) -> Person:
    organisation = make_organisation()
    series = make_list(organisation, name="Short series")
    found = bring(series, csv_of("short@example.org,Short"))
    check(found, **BROUGHT)
    start(found)
    with unit_of_work():
        imports.ask(again(found))
    with unit_of_work():
        imports.plan_permission_mails()
    mail = db.session.scalars(sa.select(TransactionalMessage)).one()
    assert "You are subscribed" in client.post(link_in(mail, "i")).text
    contact = contact_of(organisation, "short@example.org")
    return Person(organisation, contact, series, frozenset({Origin.UNPROVEN}))


def brought_without_evidence(client: FlaskClient) -> Person:
    cleo = make_cleo(client, tracking=False)
    series = make_list(cleo.organisation, name="Short series")
    found = bring(series, csv_of("cleo@example.org,Cleo"))
    check(found, **BROUGHT)
    start(found)
    return Person(cleo.organisation, cleo.contact, series, frozenset({Origin.FORM}))


WAYS: dict[Origin, Callable[[FlaskClient], Person]] = {
    Origin.FORM: by_form,
    Origin.PREFERENCES: on_the_preference_page,
    Origin.ELSEWHERE: brought_with_evidence,
    Origin.PERMISSION: after_a_permission_mail,
    Origin.UNPROVEN: brought_without_evidence,
}


def contact_of(organisation: Organisation, address: str) -> Contact:
    found = contacts.find_by_address(organisation, parse_address(address))
    assert found is not None
    return found


def preferences_of(contact: Contact) -> str:
    return subscriptions.preferences_url(contact.public_id).removeprefix("http://localhost")


def read(page: str) -> str:
    """A page or a text as one line, as it is read."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def mail_to(person: Person) -> Iterator[str]:
    """Both parts of a campaign's mail; none when nobody may be written to."""
    campaign = make_started(person.organisation, person.mailing_list)
    with unit_of_work():
        delivery.plan(campaign.id)
        claim = delivery.claim(campaign.id, "me", limit=5)
        composer = Composer(campaigns.get_campaign_by_id(campaign.id))
    for one in claim.recipients:
        mail = message_from_bytes(composer.compose(one).body, policy=policy.default)
        yield from (read(part.get_content()) for part in mail.iter_parts())


def spelt(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


@pytest.mark.parametrize("origin", [way for way in WAYS if way is not Origin.UNPROVEN])
def test_the_footer_says_why_this_person_is_written_to(client: FlaskClient, origin: Origin) -> None:
    person = WAYS[origin](client)
    today, name, series = spelt(now().date()), "Harbour Books Ltd", person.mailing_list.name
    right = {
        Origin.FORM: f"because you subscribed to {series} on {today}.",
        Origin.PREFERENCES: f"because you joined {series} on {today}, on your preference page.",
        Origin.ELSEWHERE: f"because you agreed on 1 January 2024 at {SOURCE}, and {name} brought your address "
        f"here on {today}.",
        Origin.PERMISSION: f"because you agreed to {series} on {today} with the button behind our question; "
        f"before, {name} brought your address here on {today} (source: {SOURCE}).",
    }
    parts = list(mail_to(person))
    assert len(parts) == 2
    for part in parts:
        assert [other for other, sentence in right.items() if sentence in part] == [origin]


@pytest.mark.requirement("C-049")
@pytest.mark.parametrize("origin", list(WAYS))
def test_every_document_has_the_words_of_its_origin_and_of_no_other(
    app: Flask, client: FlaskClient, settings: Settings, origin: Origin
) -> None:
    person = WAYS[origin](client)
    contact, words = person.contact, ORIGIN_WORDS[origin]
    keep(settings)
    bundle = proofs.build_bundle(contact, person.mailing_list)
    with zipfile.ZipFile(BytesIO(bundle.body)) as opened:
        summary, readme = (
            read(opened.read(name).decode()) for name in ("summary.html", "README.txt")
        )
    verdict = judge(bundle.body, proofs.policy_text().encode())
    assert verdict["ok"], verdict["sentences"]
    verified = " ".join([verdict["sentences"][-1], *verdict["not_proven"]])
    link = f"/r/{receipts.sign_link(contact, person.mailing_list.public_id)}"
    receipt = read(client.get(link).text)
    ada = team_client(app, make_account(person.organisation))
    page = read(ada.get(f"/admin/people/{contact.public_id}?open=all").text)
    own = read(client.get(preferences_of(contact)).text)
    is_member = subscriptions.is_active(contact, person.mailing_list)
    overview = read(ada.get("/admin/").text)
    standing = words.standing.partition("{")[0]
    told = {
        "summary": (summary, lambda one: (one.told[0], one.person[0], one.read[0])),
        "readme": (readme, lambda one: (one.told[0], one.person[0], one.read[0])),
        "verifier": (verified, lambda one: (one.person[0], one.read[0])),
        "receipt": (receipt, lambda one: (one.told[0],)),
        "record as JSON": (client.get(f"{link}/record.json").text, lambda one: (one.told[0],)),
        "the person's page": (own, lambda one: (one.told[0],) if is_member else ()),
        "the team's page": (page, lambda one: (one.told[0],)),
    }
    others = set(Origin) - {origin, *person.also}
    for name, (text, of) in told.items():
        mine = of(words)
        assert all(one in text for one in mine), (name, text)
        foreign = {one for other in others for one in of(ORIGIN_WORDS[other])} - set(mine)
        assert not [one for one in foreign if one in text], name
    if origin is Origin.UNPROVEN:
        assert "No consent is proven" in verified
        assert ORIGIN_WORDS[Origin.FORM].members in overview
    else:
        assert standing in verified
        assert words.members in overview
    assert ORIGIN_WORDS[Origin.NOT_GIVEN].basis in receipt or words.basis in receipt


@pytest.mark.parametrize("origin", list(WAYS))
def test_the_person_s_own_pages_draw_what_happened(client: FlaskClient, origin: Origin) -> None:
    person = WAYS[origin](client)
    stations = {
        Origin.FORM: ["asked", "mail sent", "confirmed"],
        Origin.PREFERENCES: ["given here"],
        Origin.ELSEWHERE: ["given elsewhere", "brought here"],
        Origin.PERMISSION: ["brought here", "confirmed"],
        Origin.UNPROVEN: ["brought here", "brought here without proof"],
    }
    link = f"/r/{receipts.sign_link(person.contact, person.mailing_list.public_id)}"
    drawn = re.findall(r'station-word">([^<]+)<', client.get(link).text)
    assert [word for word in drawn if word not in ("anchored", "in the log")] == stations[origin]
    assert TRACKING_TOPIC not in drawn


@pytest.mark.requirement("C-055")
@pytest.mark.parametrize("origin", [Origin.FORM, Origin.ELSEWHERE])
def test_the_notice_names_where_addresses_were_brought_from(
    client: FlaskClient, origin: Origin
) -> None:
    person = WAYS[origin](client)
    notice = consent.current_notice(person.organisation)
    assert notice is not None
    assert consent.is_notice_published(person.organisation)
    text = read(client.get(f"/notice/{person.organisation.public_id}").text)
    assert ORIGIN_WORDS[Origin.FORM].source in text
    is_brought = origin is Origin.ELSEWHERE
    assert ("your data comes from there" in text) is is_brought
    assert (f"“{SOURCE}”" in text) is is_brought


def test_a_first_import_publishes_a_new_version_and_the_old_one_stays(client: FlaskClient) -> None:
    person = brought_without_evidence(client)
    first, second = (
        read(client.get(f"/notice/{person.organisation.public_id}/{number}").text)
        for number in (1, 2)
    )
    assert SOURCE not in first
    assert SOURCE in second


def test_source_and_day_go_from_the_membership_when_it_ends(client: FlaskClient) -> None:
    person = brought_with_evidence(client)
    ((membership, _),) = subscriptions.list_of(person.contact)
    assert membership.origin_facts == {"agreed_on": "2024-01-01", "source": SOURCE}
    client.post(preferences_of(person.contact), data={"action": "leave_all"})
    db.session.refresh(membership)
    assert membership.origin_facts == {}


def test_none_is_no_place_and_no_sentence_where_people_read_it(client: FlaskClient) -> None:
    person = by_form(client)
    with unit_of_work():
        person.organisation.transfers = person.organisation.recipients = " None "
        consent.publish_notice(person.organisation)
    link = f"/r/{receipts.sign_link(person.contact, person.mailing_list.public_id)}"
    for path in (link, f"{link}/record.json", f"/notice/{person.organisation.public_id}"):
        assert re.search(r"\bNone\b", read(client.get(path).text)) is None, path
    receipt = read(client.get(link).text)
    assert "Where it lies Not stated" in receipt
    assert "Transfers There are no transfers outside the European Union." in receipt
    assert (
        client.get(f"{link}/kantara.json").get_json()["services"][0]["purposes"][0][
            "thirdPartyDisclosure"
        ]
        is False
    )
