"""A campaign, its readers, and Ada who works on it."""

from __future__ import annotations

import pytest
from flask import Flask

from mailer import campaigns, signup
from mailer.campaigns import Campaign, CampaignDraft
from mailer.contacts import Contact
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation, list_senders
from mailer.signup import ConfirmingAct
from tests.support.factories import (
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)
from tests.support.make_accounts import TeamClient, make_account, team_client


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def mailing_list(organisation: Organisation) -> MailingList:
    return make_list(organisation)


@pytest.fixture
def ada(app: Flask, organisation: Organisation) -> TeamClient:
    return team_client(app, make_account(organisation))


@pytest.fixture
def campaign(organisation: Organisation, mailing_list: MailingList) -> Campaign:
    """A draft that could go out."""
    with unit_of_work():
        made = campaigns.create_campaign(organisation, None, "November letter")
        campaigns.change_campaign(
            made,
            CampaignDraft(
                name="November letter",
                subject="Five books",
                preheader="For long evenings",
                body='Hello {{ contact.first_name | default("there") }}',
                sender=list_senders(organisation)[0],
                lists=(mailing_list,),
            ),
            revision=1,
        )
    return made


@pytest.fixture
def readers(organisation: Organisation, mailing_list: MailingList) -> list[Contact]:
    """Three people who confirmed."""
    form = make_form(organisation, mailing_list)
    act = ConfirmingAct(method="POST", token_digest="ab" * 32, ip="", user_agent="", shown_at=None)
    people = []
    for name in ("cleo", "eve", "fay"):
        given = submission(organisation, form, mailing_list, address=f"{name}@example.org")
        request = make_request(given)
        with unit_of_work():
            people.append(signup.confirm(request, act).contact)
    return people
