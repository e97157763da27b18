"""Opt-outs that another system knew of hold here: a campaign that is sent afterwards goes by them."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from mailer import contacts, delivery, imports, subscriptions
from mailer.contacts import Contact
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import make_list
from tests.support.make_audience import make_people
from tests.support.make_campaigns import make_started
from tests.support.making_imports import bring, bring_in, check, csv_of, start

CONSENT = "2023-05-01 09:04:10"
SAID = {"method": "a test"}


def file_of(opt_out: str = "") -> bytes:
    header = "Email Address,First Name,CONFIRM_TIME,UNSUB_TIME,LEID"
    return csv_of(f"una@late.example,Una,{CONSENT},{opt_out},1", header=header)


def file_with(status: str) -> bytes:
    return csv_of(f"una@late.example,{status}", header="email,status")


def mailed(organisation: Organisation, *mailing_lists: MailingList) -> list[str]:
    """Who is handed to a worker for a campaign that starts now, but for somebody it needs to start."""
    make_people(mailing_lists[0], 1, prefix=f"other{secrets.token_hex(4)}")
    campaign = make_started(organisation, *mailing_lists)
    with unit_of_work():
        delivery.plan(campaign.id)
    with unit_of_work():
        claim = delivery.claim(campaign.id, f"test-{campaign.id}", limit=10)
    return [one.address for one in claim.recipients if not one.address.startswith("other")]


@pytest.mark.parametrize(
    ("opt_out", "is_mailed"),
    [
        ("2026-10-25 08:00:00", False),  # before the import, after the consent
        ("2022-01-01 08:00:00", True),  # before the consent
        ("2023-05-01", False),  # the same day: it may have been later
        ("not long ago", False),
        ("0001-01-02", False),
    ],
)
def test_an_opt_out_is_compared_with_the_day_the_consent_was_given_elsewhere(
    organisation: Organisation, mailing_list: MailingList, opt_out: str, is_mailed: bool
) -> None:
    bring_in(mailing_list, file_of())
    found = check(bring(mailing_list, file_of(opt_out)))
    assert bool(found.counts.get("opted_out")) is not is_mailed  # what the page says
    if not is_mailed:
        start(found)
    contact = contacts.find_by_address(organisation, parse_address("una@late.example"))
    assert contact is not None
    assert bool(subscriptions.find_stopped([contact])) is not is_mailed
    assert mailed(organisation, mailing_list) == (["una@late.example"] if is_mailed else [])


@pytest.mark.parametrize("status", ["blocklisted", "bounced", "complained"])
def test_an_opt_out_without_a_date_outranks_whatever_was_not_confirmed_here(
    organisation: Organisation,
    mailing_list: MailingList,
    confirm: Callable[..., Contact],
    status: str,
) -> None:
    other = make_list(organisation, name="Offers")
    confirm("una@late.example", other)
    bring_in(mailing_list, file_of())
    assert mailed(organisation, mailing_list) == ["una@late.example"]
    found = bring_in(mailing_list, file_with(status))
    assert found.counts == {"suppressed": 1}
    (told,) = imports.list_refused(found, limit=5)
    assert "a consent that stands here" in told.reason
    assert mailed(organisation, mailing_list) == []
    assert mailed(organisation, other) == ["una@late.example"]
    assert check(bring(mailing_list, file_with(status))).counts.get("opted_out") is None


def test_an_opt_out_counts_although_another_line_of_the_address_was_refused(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    bring_in(mailing_list, file_of())
    body = csv_of(
        "una@late.example,soon,subscribed",
        "UNA@late.example,,unsubscribed",
        header="email,confirm_time,status",
    )
    assert bring_in(mailing_list, body, is_proven=False).counts.get("suppressed") == 1
    assert mailed(organisation, mailing_list) == []


def test_what_they_confirm_here_afterwards_counts_again(
    organisation: Organisation,
    mailing_list: MailingList,
    confirm: Callable[..., Contact],
) -> None:
    bring_in(mailing_list, file_with("unsubscribed"))
    contact = confirm("una@late.example")
    assert subscriptions.find_stopped([contact]) == {}
    assert mailed(organisation, mailing_list) == ["una@late.example"]


@pytest.mark.requirement("C-082")
def test_an_undo_brings_a_consent_of_elsewhere_back_no_newer_than_it_was(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    bring_in(mailing_list, file_of())
    contact = contacts.find_by_address(organisation, parse_address("una@late.example"))
    assert contact is not None
    with unit_of_work():
        withdrawn = subscriptions.unsubscribe_all(contact, SAID)
        token = subscriptions.sign_undo(contact, withdrawn)
    assert mailed(organisation, mailing_list) == []
    with unit_of_work():
        assert len(subscriptions.undo(token, SAID)) == len(withdrawn) == 1
    assert mailed(organisation, mailing_list) == ["una@late.example"]
    bring_in(mailing_list, file_of("2026-10-25 08:00:00"))
    assert mailed(organisation, mailing_list) == []
    with unit_of_work():
        withdrawn = subscriptions.unsubscribe(contact, mailing_list, SAID)
        assert withdrawn
        assert subscriptions.sign_undo(contact, withdrawn) == ""
