"""Walking the whole of the team's side: what staff see opens nothing, and who may not see people sees no address."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from mailer import accounts, campaigns, delivery, destinations, imports, organisations
from mailer.accounts import Role, may
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState
from mailer.destinations import LimitDraft, LimitKind
from mailer.foundation.clock import now
from mailer.foundation.database import Model, db, unit_of_work
from mailer.foundation.settings import Settings
from mailer.imports import ImportRow
from mailer.jobs.transactional import settle_message
from mailer.signup import SignupRequest
from mailer.transactional import TransactionalMessage, claim_due, find_newest
from mailer.transport import Outcome, OutcomeKind
from tests.support.crawling import crawl
from tests.support.factories import link_in, mails_for, make_request, submission
from tests.support.keeping import keep
from tests.support.make_accounts import make_account, team_client
from tests.support.make_campaigns import make_draft, make_started
from tests.support.make_consents import make_cleo
from tests.support.making_imports import again, bring, check, start

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# How a server says no, with the address as it may write it: given, in capitals, VERP, percent-encoded, alone.
SAYINGS = (
    "5.1.1 <{address}>: Recipient address rejected",
    "5.1.1 no such user {upper}",
    "5.1.1 bounce+{verp}@relay.example is unknown",
    "5.7.1 see https://relay.example/?to={encoded}",
    "5.1.1 the mailbox {local} is gone",
)


def said(number: int, address: str) -> str:
    local, _, domain = address.partition("@")
    return SAYINGS[number % len(SAYINGS)].format(
        address=address,
        upper=address.upper(),
        verp=f"{local}={domain}",
        encoded=address.replace("+", "%2B").replace("@", "%40"),
        local=local,
    )


class Bookshop:
    """An organisation with one of everything that the team may look at, and people in every state."""

    def __init__(self, app: Flask, client: FlaskClient, settings: Settings) -> None:
        self.app, self.client = app, client
        self.live: set[str] = set()  # every link that was mailed to a person
        cleo = make_cleo(client)
        self.organisation, self.letter, self.form = cleo.organisation, cleo.letter, cleo.form
        self.live.add(cleo.confirm_link)
        self.ask("dora.block@example.org", link="n")
        self.ask("wendy+news@example.org", kind=OutcomeKind.REFUSED)
        self.ask("xenia@example.org", link="c")
        self.bring_in()
        self.sent = self.send()
        self.draft = make_draft(self.organisation, self.letter)
        account = make_account(self.organisation, name="Ada")
        with unit_of_work():
            delivery.send_test(self.draft, account.address)
            self.answer(find_newest(self.draft.public_id), said(0, account.address))
            limit = destinations.set_limit(
                self.organisation, LimitDraft(LimitKind.ORGANISATION, "", 60, None, None)
            )
            _token, session = accounts.start_session(accounts.Authenticated(account), "a test")
        keep(settings)
        self.ids = self._ids(limit.public_id, session.public_id)

    def ask(
        self, address: str, *, link: str = "", kind: OutcomeKind = OutcomeKind.ACCEPTED
    ) -> None:
        """Somebody asks to join; their mail is answered, and a link of it is pressed."""
        form = self.form
        given = submission(self.organisation, form, self.letter, address=address, tracking=True)
        mail = mails_for(make_request(given))[0]
        links = {name: link_in(mail, name) for name in ("c", "n")}
        self.live |= set(links.values())
        with unit_of_work():
            self.answer(mail, said(0, address), kind)
        if link:
            assert self.client.post(links[link]).status_code == 200

    def answer(
        self,
        mail: TransactionalMessage | None,
        text: str,
        kind: OutcomeKind = OutcomeKind.ACCEPTED,
    ) -> None:
        assert mail is not None
        claim_due("test", 100)
        code = 250 if kind is OutcomeKind.ACCEPTED else 550
        settle_message(
            mail,
            Outcome(
                key="k", kind=kind, code=code, enhanced="", text=text, relay="mx", at=now(),
                stage="body", tls=False,
            ),
        )  # fmt: skip

    def bring_in(self) -> None:
        """An import: somebody is asked and says yes, another was asked, a third row is refused."""
        rows = b"email,name\npat@example.org,Pat\nquentin@example.org,Q\nnobody at all,X\n"
        self.brought = start(check(bring(self.letter, rows), source="till receipts"))
        with unit_of_work():
            imports.ask(again(self.brought))
        with unit_of_work():
            imports.plan_permission_mails()
        for row in db.session.scalars(sa.select(ImportRow).where(ImportRow.public_id.is_not(None))):
            mail = find_newest(row.public_id or "")
            assert mail is not None
            link = link_in(mail, "i")
            self.live.add(link)
            with unit_of_work():
                self.answer(mail, said(1, mail.to_address))
            if row.address == "pat@example.org":
                assert self.client.post(link).status_code == 200

    def send(self) -> campaigns.Campaign:
        """A campaign that was refused by everybody, and paused with what the last one said."""
        campaign = make_started(self.organisation, self.letter)
        with unit_of_work():
            delivery.plan(campaign.id)
        with unit_of_work():
            query = sa.select(Delivery, Contact.address).join(
                Contact, Contact.id == Delivery.contact_id
            )
            for number, (row, address) in enumerate(db.session.execute(query)):
                row.state, row.settled_at, row.attempts = DeliveryState.REFUSED, now(), 1
                row.reply_code, row.reply_text = 550, said(number, address or "")
            campaigns.pause(campaign, "Paused. The answer was: 550 <xenia@example.org> is no one.")
        return campaign

    def _ids(self, limit: str, session: str) -> dict[str, list[str]]:
        people = list(db.session.scalars(sa.select(Contact.public_id)))
        mails = list(db.session.scalars(sa.text("SELECT DISTINCT sha256 FROM evidence_blobs")))
        members = accounts.list_members(self.organisation)
        return {
            "campaigns": [self.sent.public_id, self.draft.public_id],
            "evidence": mails,
            "forms": [self.form.public_id],
            "imports": [self.brought.public_id],
            "lists": [self.letter.public_id],
            "pace": [limit],
            "people": people,
            "purposes": [self.letter.purpose.public_id],
            "receipts": [self.letter.public_id, "tracking"],
            "senders": [organisations.list_senders(self.organisation)[0].public_id],
            "sessions": [session],
            "team": [one.member.public_id for one in members],
            "versions": ["1"],
        }

    def presses(self) -> list[tuple[str, dict[str, str]]]:
        """What is handed out on pressing: proofs, and the preview of what is being written."""
        topics = [*self.ids["receipts"]]
        proofs = [(f"/admin/people/{one}/proof", {"list": topic}) for one in self.ids["people"] for topic in topics]  # fmt: skip
        body = "[a]({{ campaign.preferences_url }}) {{ campaign.unsubscribe_url }}"
        preview = {"subject": "Hello", "body": body, "footer": "automatic", "contact": "cleo"}
        return [*proofs, (f"/admin/campaigns/{self.draft.public_id}/preview", preview)]

    def walk(self, role: Role) -> dict[str, str]:
        account = make_account(self.organisation, name=role.value.title(), role=role)
        presses = self.presses() if role is not Role.VIEWER else []
        return crawl(self.app, team_client(self.app, account), self.ids, _allowed(role, presses))


def _allowed(
    role: Role, presses: list[tuple[str, dict[str, str]]]
) -> list[tuple[str, dict[str, str]]]:
    right = accounts.Right.PROVE
    return [one for one in presses if may(role, right) or not one[0].endswith("/proof")]


@pytest.fixture
def shop(app: Flask, client: FlaskClient, settings: Settings) -> Bookshop:
    return Bookshop(app, client, settings)


def token_like(text: str) -> set[str]:
    """Everything that could be a token: long, of the letters of one, with a dot, and no plain name."""
    runs = re.findall(r"[A-Za-z0-9_~.*-]{30,}", text)
    return {run.strip(".") for run in runs if "." in run.strip(".")}


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of what a person's links can change."""
    db.session.rollback()
    tables = (table for table in Model.metadata.sorted_tables if table.name != "sessions")
    return {
        table.name: [tuple(row) for row in db.session.execute(sa.select(table))] for table in tables
    }


def links_with_tokens(app: Flask) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if "<token>" in rule.rule and not rule.rule.startswith("/admin/")
    ]


def address(rule: Rule, token: str) -> str:
    return rule.rule.replace("<token>", token).replace("<number>", "1")


def told(answer: TestResponse) -> tuple[int, str]:
    """What a page says to whoever opened it: its status and heading."""
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    return answer.status_code, heading[1] if heading else ""


@pytest.mark.requirement("S-003")
def test_nothing_that_staff_can_open_holds_a_link_that_does_anything(
    app: Flask, client: FlaskClient, shop: Bookshop
) -> None:
    tokens: set[str] = set()
    for role in Role:
        found = shop.walk(role)
        assert len(found) > 60, role
        for path, text in found.items():
            assert not [link for link in shop.live if link.rpartition("/")[2] in text], path
            tokens |= token_like(text)
    assert any("*" * 43 in token for token in tokens)
    before = contents()
    acts = ("join", "agree_to_counting")
    for rule in links_with_tokens(app):
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            for act in acts if method == "POST" else acts[:1]:
                data = {"action": act, "list": shop.letter.public_id} if method == "POST" else None
                nothing = told(client.open(address(rule, "nonsense"), method=method, data=data))
                for token in tokens:
                    answer = client.open(address(rule, token), method=method, data=data)
                    assert told(answer) == nothing, (rule.rule, token)
    assert contents() == before
    alive = [
        link for link in shop.live if told(client.get(link)) != told(client.get("/c/nonsense"))
    ]
    assert alive


def spellings(address: str) -> set[str]:
    local, _, domain = address.lower().partition("@")
    return {
        address.lower(),
        f"{local}={domain}",
        f"{local}%40{domain}",
        f"{local.replace('+', '%2b')}%40{domain}",
    }


@pytest.mark.requirement("S-003")
def test_who_may_not_see_people_reads_no_address_on_any_page(shop: Bookshop) -> None:
    blind = [role for role in Role if not may(role, accounts.Right.READ_PEOPLE)]
    assert blind
    known = {
        one
        for column in (Contact.address, SignupRequest.address, ImportRow.address)
        for one in db.session.scalars(sa.select(column).where(column.is_not(None)))
    }
    assert {"cleo@example.org", "xenia@example.org", "wendy+news@example.org"} <= known
    for role in blind:
        for path, text in shop.walk(role).items():
            small = text.lower()
            read = [one for address in known for one in spellings(address) if one in small]
            assert read == [], path


@pytest.mark.requirement("S-003")
def test_where_addresses_are_masked_replies_are_too(shop: Bookshop) -> None:
    campaign = f"/admin/campaigns/{shop.sent.public_id}"
    found = shop.walk(Role.OWNER)
    for path in (
        campaign,
        f"{campaign}/deliveries",
        f"{campaign}/progress",
        "/admin/people/waiting",
    ):
        page = found[path].lower()
        assert "···@example.org" in page, path
        for name in ("cleo", "xenia", "wendy", "pat@", "pat="):
            assert name not in page, (path, name)
