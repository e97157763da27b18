"""An organisation with a list, and somebody who confirmed it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from mailer import signup
from mailer.contacts import Contact
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.signup import ConfirmingAct
from tests.support.factories import (
    make_form,
    make_list,
    make_organisation,
    make_request,
    submission,
)

ACT = ConfirmingAct(method="POST", token_digest="ab" * 32, ip="", user_agent="", shown_at=None)


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def mailing_list(organisation: Organisation) -> MailingList:
    return make_list(organisation)


@pytest.fixture
def confirm(organisation: Organisation, mailing_list: MailingList) -> Callable[..., Contact]:
    """Somebody signs up through a form and presses the button."""
    form = make_form(organisation, mailing_list)

    def sign_up(
        address: str, *ticked: MailingList, unticked: tuple[MailingList, ...] = ()
    ) -> Contact:
        given = submission(
            organisation, form, *(ticked or (mailing_list,)), unticked=unticked, address=address
        )
        request = make_request(given)
        with unit_of_work():
            return signup.confirm(request, ACT).contact

    return sign_up
