"""Three people confirmed a list; the first agreed to be counted, the others did not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import make_people
from tests.support.make_counted import agree


@dataclass
class Readers:
    organisation: Organisation
    mailing_list: MailingList
    cleo: str  # agreed
    others: list[str]


@pytest.fixture
def readers(app: Flask) -> Readers:
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    cleo, *others = make_people(mailing_list, 3)
    agree(cleo)
    return Readers(organisation, mailing_list, cleo, others)
