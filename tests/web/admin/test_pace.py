"""The pace of sending, set by the team."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from mailer import destinations
from mailer.accounts import Role
from mailer.destinations import LimitKind
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.mail_hosts import Finding, MailHosts
from mailer.lists import MailingList
from mailer.organisations import Organisation, list_senders
from tests.support.make_accounts import TeamClient, make_account, team_client
from tests.support.make_audience import make_people

PAGE = "/admin/settings/pace"


@pytest.mark.requirement("E-065")
def test_a_limit_is_set_changed_and_removed(ada: TeamClient, organisation: Organisation) -> None:
    page = ada.get(PAGE).text
    assert "Google" in page
    given = {"kind": "destination", "destination": "@GMail.com", "per_minute": "1,200"}
    assert ada.send(PAGE, **given).status_code == 303
    assert (
        ada.send(PAGE, **given | {"at_once": "10", "warm_up_first_day": "500"}).status_code == 303
    )
    [limit] = destinations.list_limits(organisation)
    assert (limit.kind, limit.subject) == (LimitKind.DESTINATION, "google")
    assert (limit.per_minute, limit.at_once, limit.warm_up_first_day) == (1200, 10, 500)
    page = ada.get(PAGE).text
    assert "21 an hour" in page
    action = re.search(r'action="([^"]+/remove)"', page)
    assert action is not None
    assert ada.send(action[1]).status_code == 303
    db.session.rollback()
    assert destinations.list_limits(organisation) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "organisation"}, "per_minute"),
        ({"kind": "", "per_minute": "5"}, "kind"),
        ({"kind": "organisation", "per_minute": "many"}, "per_minute"),
        ({"kind": "organisation", "per_minute": "0"}, "per_minute"),
        ({"kind": "destination", "destination": "a b", "per_minute": "5"}, "destination"),
        ({"kind": "sender", "sender": "", "per_minute": "5"}, "sender"),
    ],
)
def test_what_cannot_be_a_limit_is_told_at_its_field(
    ada: TeamClient, organisation: Organisation, given: dict[str, str], field: str
) -> None:
    refused = ada.send(PAGE, **given)
    assert refused.status_code == 422
    assert f'id="field-{field}-error"' in refused.text
    assert destinations.list_limits(organisation) == []


def test_a_limit_of_a_sender_is_shown_by_its_name(
    ada: TeamClient, organisation: Organisation, mailing_list: MailingList
) -> None:
    sender = list_senders(organisation)[0]
    ada.send(PAGE, kind="sender", sender=sender.public_id, per_minute="60")
    page = ada.get(PAGE).text
    assert f"Remove the limit: {sender.from_name} &lt;{sender.from_address}&gt;" in page


def test_who_may_only_read_sees_the_limits_and_no_form(
    app: Flask, organisation: Organisation
) -> None:
    reader = team_client(app, make_account(organisation, name="Rae", role=Role.VIEWER))
    page = reader.get(PAGE)
    assert page.status_code == 200
    assert "Set a limit" not in page.text
    assert reader.send(PAGE, kind="organisation", per_minute="5").status_code == 403


def test_a_destination_that_asked_us_to_wait_is_shown(ada: TeamClient) -> None:
    with unit_of_work():
        destinations.back_off("microsoft", "451 4.7.500 busy")
    page = ada.get(PAGE).text
    assert "Left alone just now" in page
    assert "Microsoft" in page


@pytest.mark.requirement("E-065")
def test_the_page_says_who_hosts_a_domain(ada: TeamClient, mailing_list: MailingList) -> None:
    make_people(mailing_list, 1, domain="firm.test")
    make_people(mailing_list, 1, domain="new.test")
    with unit_of_work():
        destinations.note_domains()
    google = MailHosts(Finding.HOSTS, ((1, "aspmx.l.google.com"),))
    with unit_of_work():
        destinations.note_hosts({"firm.test": google})
    page = ada.get(PAGE, query_string={"domain": "Firm.test"}).text
    assert "firm.test is hosted at Google." in page
    assert "<dd>aspmx.l.google.com</dd>" in page
    assert "Looked up <time" in page
    with unit_of_work():
        destinations.note_hosts({"firm.test": MailHosts(Finding.SILENT)})
    page = ada.get(PAGE, query_string={"domain": "firm.test"}).text
    assert "was hosted at Google when it last answered. DNS did not answer" in page
    page = ada.get(PAGE, query_string={"domain": "new.test"}).text
    assert "new.test was not looked up yet" in page
    page = ada.get(PAGE, query_string={"domain": "gmail.com"}).text
    assert "gmail.com is one of Google’s own domains" in page
    page = ada.get(PAGE, query_string={"domain": "nobody.test"}).text
    assert "None of your people has an address there" in page
    refused = ada.get(PAGE, query_string={"domain": "a b"})
    assert refused.status_code == 422
    assert 'id="field-domain-error"' in refused.text
