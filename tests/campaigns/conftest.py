"""An organisation with a list and three people who confirmed it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import make_people


@dataclass
class House:
    organisation: Organisation
    mailing_list: MailingList
    people: list[str]


@pytest.fixture
def house(app: Flask) -> House:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    return House(organisation, mailing_list, make_people(mailing_list, 3))
