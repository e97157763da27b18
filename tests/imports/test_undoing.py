"""An import is taken back where nothing else has happened; the ledger keeps what it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from mailer import contacts, delivery, subscriptions
from mailer.consent import ConsentRecord, ConsentState
from mailer.contacts import Contact
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db, unit_of_work
from mailer.imports import ImportState
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.suppression import Scope, find_blocking
from tests.support.factories import make_list
from tests.support.make_campaigns import make_started
from tests.support.making_imports import (
    bring,
    bring_in,
    check,
    csv_of,
    start,
    undo,
)


def contact_of(organisation: Organisation, address: str) -> Contact | None:
    return contacts.find_by_address(organisation, parse_address(address))


def states() -> list[ConsentState]:
    return list(db.session.scalars(sa.select(ConsentRecord.state).order_by(ConsentRecord.id)))


@pytest.mark.requirement("C-049")
def test_undoing_ends_imported_consents_by_records_and_leaves_nothing_of_the_people(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    found = undo(bring_in(mailing_list, csv_of("cleo@example.org,Cleo", "eve@example.org,Eve")))
    assert (found.state, found.counts) == (ImportState.UNDONE, {"undone": 2})
    given, given_too, ended, ended_too = db.session.scalars(
        sa.select(ConsentRecord).order_by(ConsentRecord.id)
    )
    assert {ended.ends_id, ended_too.ends_id} == {given.id, given_too.id}
    assert ended.state is ConsentState.TERMINATED
    assert contact_of(organisation, "cleo@example.org") is None
    assert subscriptions.count_active([mailing_list.id]) == {mailing_list.id: 0}


def test_what_was_undone_can_be_imported_again(
    organisation: Organisation, mailing_list: MailingList, confirm: Callable[..., Contact]
) -> None:
    confirm("known@example.org", mailing_list)
    other = make_list(organisation, name="Offers")
    body = csv_of("cleo@example.org,Cleo", "known@example.org,K")
    undo(bring_in(other, body))
    assert bring_in(other, body).counts == {"imported": 2}


def test_people_with_whom_something_happened_since_stay_as_they_are(
    organisation: Organisation, mailing_list: MailingList, confirm: Callable[..., Contact]
) -> None:
    other = make_list(organisation, name="Offers")
    found = bring_in(
        mailing_list,
        csv_of("left@example.org,L", "joined@example.org,J", "quiet@example.org,Q"),
    )
    left = contact_of(organisation, "left@example.org")
    joined = contact_of(organisation, "joined@example.org")
    assert left is not None
    assert joined is not None
    with unit_of_work():
        subscriptions.unsubscribe(left, mailing_list, {"method": "button"})
        subscriptions.join(joined, other, {"method": "preference page"})
    found = undo(found)
    assert found.counts == {"undone": 1, "kept": 2}
    assert contact_of(organisation, "quiet@example.org") is None
    assert subscriptions.is_active(joined, mailing_list)
    assert subscriptions.is_active(joined, other)


def test_people_who_got_mail_stay_as_they_are(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    found = bring_in(mailing_list, csv_of("cleo@example.org,C"))
    mailed = contact_of(organisation, "cleo@example.org")
    assert mailed is not None
    campaign = make_started(organisation, mailing_list)
    with unit_of_work():
        delivery.plan(campaign.id)
    later = bring_in(mailing_list, csv_of("eve@example.org,E"))
    assert undo(found).counts == {"kept": 1}
    assert undo(later).counts == {"undone": 1}
    assert subscriptions.is_active(mailed, mailing_list)


def test_who_was_known_before_stays_and_loses_only_what_was_filled_in(
    organisation: Organisation, mailing_list: MailingList, confirm: Callable[..., Contact]
) -> None:
    other = make_list(organisation, name="Offers")
    contact = confirm("cleo@example.org")
    undo(bring_in(other, csv_of("cleo@example.org,Cleo Marsh")))
    db.session.refresh(contact)
    assert (contact.first_name, contact.last_name) == ("Cleo", "")
    assert subscriptions.is_active(contact, mailing_list)
    assert not subscriptions.is_active(contact, other)


def test_locked_people_and_opt_outs_are_taken_back_too(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    body = csv_of("a@example.org,", "b@example.org,unsubscribed", header="email,status")
    found = start(check(bring(mailing_list, body)))
    assert found.counts == {"locked": 1, "suppressed": 1}
    digest = parse_address("b@example.org").digest
    assert find_blocking(organisation, digest, scope=Scope.MARKETING) is not None
    found = undo(found)
    assert found.counts == {"undone": 2}
    assert find_blocking(organisation, digest, scope=Scope.MARKETING) is None
    assert states() == [ConsentState.UNKNOWN]


@pytest.mark.requirement("C-083")
def test_a_complaint_stays_whatever_is_undone(
    organisation: Organisation, mailing_list: MailingList
) -> None:
    body = csv_of("b@example.org,complained", header="email,status")
    found = undo(start(check(bring(mailing_list, body))))
    assert found.counts == {"kept": 1}
    digest = parse_address("b@example.org").digest
    assert find_blocking(organisation, digest, scope=Scope.MARKETING) is not None
