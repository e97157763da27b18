"""A campaign that is being sent to three people."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from mailer.campaigns import Campaign
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import make_people
from tests.support.make_campaigns import make_started


@dataclass
class Mailing:
    organisation: Organisation
    mailing_list: MailingList
    people: list[str]
    campaign: Campaign


@pytest.fixture
def mailing(app: Flask) -> Mailing:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    people = make_people(mailing_list, 3)
    return Mailing(organisation, mailing_list, people, make_started(organisation, mailing_list))
