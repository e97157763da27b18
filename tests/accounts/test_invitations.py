from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from mailer import accounts
from mailer.accounts import Account, Invitation, Role
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, LinkExpired, LinkInvalid
from mailer.foundation.tokens import Purpose, sign_timed
from mailer.organisations import Organisation
from tests.support.factories import DORA, make_organisation
from tests.support.make_accounts import PASSWORD, make_account

CHOSEN = "my cat sleeps on the keyboard"


@pytest.fixture
def books(app: Flask) -> Organisation:
    return make_organisation()


@pytest.fixture
def ada(books: Organisation) -> Account:
    return make_account(books)


def invite(books: Organisation, ada: Account, address: str = "ben@books.example") -> Invitation:
    with unit_of_work():
        return accounts.invite_member(books, ada, "Ben", address, Role.EDITOR)


def test_the_invited_choose_name_and_password_and_can_sign_in(
    books: Organisation, ada: Account
) -> None:
    invitation = invite(books, ada)
    with unit_of_work():
        accounts.accept_invitation(invitation.token, CHOSEN, name="Benedikt")
    with unit_of_work():
        token, _session = accounts.sign_in("ben@books.example", CHOSEN, "")
    found = accounts.session_of(token)
    assert found is not None
    assert (found.account.name, found.member.role) == ("Benedikt", Role.EDITOR)


def test_an_invitation_works_once(books: Organisation, ada: Account) -> None:
    invitation = invite(books, ada)
    with unit_of_work():
        accounts.accept_invitation(invitation.token, CHOSEN)
    with pytest.raises(LinkInvalid, match="used already"), unit_of_work():
        accounts.accept_invitation(invitation.token, "a password of somebody else")
    assert accounts.invitation_of(invitation.member) is None


def test_nobody_can_sign_in_before_accepting(books: Organisation, ada: Account) -> None:
    invite(books, ada)
    with pytest.raises(Invalid):
        accounts.authenticate("ben@books.example", "")


def test_an_invitation_ends_after_a_week(books: Organisation, ada: Account) -> None:
    invitation = invite(books, ada)
    with unit_of_work():
        invitation.member.invited_at -= timedelta(days=7, minutes=1)
    late = accounts.invitation_of(invitation.member)
    assert late is not None
    with pytest.raises(LinkExpired):
        accounts.read_invitation(late.token)


def test_a_newer_invitation_replaces_the_older(books: Organisation, ada: Account) -> None:
    older = invite(books, ada)
    with unit_of_work():
        older.member.invited_at -= timedelta(days=1)
    newer = invite(books, ada)
    with pytest.raises(LinkInvalid):
        accounts.read_invitation(older.token)
    assert accounts.read_invitation(newer.token).member is newer.member


def test_a_withdrawn_invitation_does_not_work(books: Organisation, ada: Account) -> None:
    invitation = invite(books, ada)
    with unit_of_work():
        accounts.end_membership(invitation.member)
    with pytest.raises(LinkInvalid):
        accounts.read_invitation(invitation.token)


def test_inviting_gives_no_say_over_an_existing_account(books: Organisation, ada: Account) -> None:
    dora = make_account(make_organisation(DORA), name="Dora")
    invitation = invite(books, ada, "dora@books.example")
    with pytest.raises(Invalid) as caught, unit_of_work():
        accounts.accept_invitation(invitation.token, CHOSEN, name="Not Dora")
    assert list(caught.value.fields) == ["password"]
    with unit_of_work():
        accounts.accept_invitation(invitation.token, PASSWORD, name="Not Dora")
    assert dora.name == "Dora"
    assert accounts.authenticate("dora@books.example", PASSWORD).account is dora
    assert len(accounts.list_memberships(dora)) == 2


def test_a_weak_password_is_refused_and_the_invitation_stays(
    books: Organisation, ada: Account
) -> None:
    invitation = invite(books, ada)
    with pytest.raises(Invalid) as caught, unit_of_work():
        accounts.accept_invitation(invitation.token, "short")
    assert list(caught.value.fields) == ["password"]
    assert accounts.read_invitation(invitation.token).member is invitation.member


def test_whoever_is_on_the_team_cannot_be_invited(books: Organisation, ada: Account) -> None:
    with pytest.raises(Invalid) as caught:
        invite(books, ada, "ada@books.example")
    assert list(caught.value.fields) == ["address"]


@pytest.mark.requirement("S-001")
@pytest.mark.parametrize("payload", [None, 7, "text", [], ["a", "b", "c"], [None, None], {"a": 1}])
def test_a_signed_link_that_says_something_else_is_refused(app: Flask, payload: object) -> None:
    with pytest.raises(LinkInvalid):
        accounts.read_invitation(sign_timed(Purpose.INVITATION, payload))


@pytest.mark.requirement("S-001")
def test_a_token_for_another_purpose_is_no_invitation(books: Organisation, ada: Account) -> None:
    invitation = invite(books, ada)
    forged = sign_timed(Purpose.CONFIRM, [invitation.member.public_id, 0])
    with pytest.raises(LinkInvalid):
        accounts.read_invitation(forged)
