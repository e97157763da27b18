from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from mailer import accounts
from mailer.accounts import Account, AccountSession, Authenticated, Role
from mailer.foundation import clock
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotFound
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import make_account


@pytest.fixture
def ada(app: Flask) -> Account:
    return make_account(make_organisation())


def begin(account: Account, browser: str = "Firefox") -> tuple[str, AccountSession]:
    with unit_of_work():
        return accounts.start_session(Authenticated(account), browser)


def test_a_token_leads_to_account_member_organisation_and_session(ada: Account) -> None:
    token, session = begin(ada)
    found = accounts.session_of(token)
    assert found is not None
    assert found.account is ada
    assert found.session is session
    assert found.member.role is Role.OWNER
    assert found.organisation.name == "Harbour Books"


def test_a_token_we_never_gave_leads_to_nobody(ada: Account) -> None:
    begin(ada)
    assert accounts.session_of("") is None
    assert accounts.session_of("x" * 43) is None


@pytest.mark.requirement("S-006")
@pytest.mark.parametrize(
    ("seen", "created", "is_live"),
    [
        (timedelta(hours=11), timedelta(days=1), True),
        (timedelta(hours=13), timedelta(days=1), False),
        (timedelta(0), timedelta(days=13), True),
        (timedelta(0), timedelta(days=15), False),
    ],
)
def test_a_session_ends_by_idleness_and_by_age(
    ada: Account, seen: timedelta, created: timedelta, is_live: bool
) -> None:
    token, session = begin(ada)
    with unit_of_work():
        session.last_seen_at = clock.now() - seen
        session.created_at = clock.now() - created
    assert (accounts.session_of(token) is not None) is is_live
    assert (accounts.list_sessions(ada) == [session]) is is_live


def test_a_session_is_touched_at_most_once_a_minute(ada: Account) -> None:
    _token, session = begin(ada)
    assert not accounts.is_due_for_touch(session)
    with unit_of_work():
        session.last_seen_at = clock.now() - timedelta(minutes=2)
    assert accounts.is_due_for_touch(session)
    with unit_of_work():
        accounts.touch_session(session)
    assert not accounts.is_due_for_touch(session)


def test_signing_out_ends_the_session(ada: Account) -> None:
    token, session = begin(ada)
    with unit_of_work():
        accounts.sign_out(session)
    assert accounts.session_of(token) is None


@pytest.mark.requirement("S-006")
def test_sessions_can_be_ended_one_by_one_and_all_at_once(ada: Account) -> None:
    here_token, here = begin(ada, "here")
    train_token, train = begin(ada, "train")
    home_token, _home = begin(ada, "home")
    with unit_of_work():
        accounts.end_session(ada, train.public_id)
    assert accounts.session_of(train_token) is None
    assert accounts.session_of(home_token) is not None
    with unit_of_work():
        assert accounts.end_other_sessions(here) == 1
    assert accounts.session_of(home_token) is None
    assert accounts.session_of(here_token) is not None


@pytest.mark.requirement("S-009")
def test_nobody_ends_a_session_of_somebody_else(ada: Account) -> None:
    token, session = begin(ada)
    dora = make_account(make_organisation(DORA), name="Dora")
    with pytest.raises(NotFound), unit_of_work():
        accounts.end_session(dora, session.public_id)
    assert accounts.session_of(token) is not None


def test_an_ended_membership_ends_its_sessions(ada: Account) -> None:
    organisation = accounts.list_memberships(ada)[0][1]
    ben = make_account(organisation, name="Ben", role=Role.EDITOR)
    token, _session = begin(ben)
    with unit_of_work():
        accounts.end_membership(accounts.list_memberships(ben)[0][0])
    assert accounts.session_of(token) is None


def test_a_session_can_work_for_another_organisation_of_the_same_person(ada: Account) -> None:
    plants = make_organisation(DORA)
    make_account(plants, role=Role.VIEWER)
    token, session = begin(ada)
    with unit_of_work():
        accounts.switch_organisation(session, plants.public_id)
    found = accounts.session_of(token)
    assert found is not None
    assert (found.organisation.name, found.member.role) == (plants.name, Role.VIEWER)
    _token, later = begin(ada)
    assert later.organisation_id == plants.id


@pytest.mark.requirement("S-009")
def test_a_session_cannot_work_for_an_organisation_that_did_not_invite(ada: Account) -> None:
    plants = make_organisation(DORA)
    _token, session = begin(ada)
    with pytest.raises(NotFound), unit_of_work():
        accounts.switch_organisation(session, plants.public_id)
