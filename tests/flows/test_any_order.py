"""Whatever people, staff and mail servers do, in any order: what must always hold, holds after each act.

`MAILER_TEST_SEQUENCES` says how many sequences of acts are tried (default 25), `MAILER_TEST_SEED` which ones.
"""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import aliased

from mailer import campaigns, consent, contacts, rights, signup, subscriptions
from mailer.consent import ALLOWS_SENDING, TRACKING, ConsentRecord
from mailer.contacts import Contact
from mailer.erasures import AskedBy
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import LinkInvalid, NotAllowed
from mailer.foundation.tokens import Purpose, sign_timed
from mailer.signup import ConfirmingAct, RequestState, SignupRequest
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.suppression import Reason, Scope, SuppressionEntry, find_blocking, suppress
from tests.support.factories import make_form, make_list, make_organisation, submission
from tests.support.make_campaigns import make_draft
from tests.support.making_imports import bring_in, csv_of

SEQUENCES = int(os.environ.get("MAILER_TEST_SEQUENCES", "25"))
SEED = int(os.environ.get("MAILER_TEST_SEED", "1"))
ACTS = {
    "ask": 5,
    "confirm": 8,
    "join": 4,
    "leave": 4,
    "leave_all": 2,
    "undo": 3,
    "dispute": 4,
    "take_back": 2,
    "pause": 1,
    "stop_measuring": 1,
    "agree": 1,
    "bounce": 2,
    "erase": 1,
    "import_": 1,
}
ACT = ConfirmingAct(method="POST", token_digest="ab" * 32, ip="", user_agent="", shown_at=None)
SAID = {"method": "a test"}


@dataclass(frozen=True)
class Wish:
    """A confirmed consent as it should stand: when it was given, and by which request if by one."""

    mailing_list: int
    at: int
    request: str = ""


class World:
    """An organisation with two lists and a campaign to both."""

    def __init__(self) -> None:
        self.organisation = make_organisation()
        self.lists = [make_list(self.organisation), make_list(self.organisation, name="Offers")]
        self.form = make_form(self.organisation, *self.lists)
        self.campaign = make_draft(self.organisation, *self.lists)


class Walk:
    """One person, what was done about them, and what should be so now."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.chance = world, random.Random(SEED * 1_000_003 + number)
        self.address = f"walker{number}@example.org"
        self.said: list[str] = []
        self.wishes: set[Wish] = set()
        self.said_no: set[int] = set()
        self.last_end: dict[int, str] = {}
        self.stopped_at = self.undo_stopped_at = self.at = 0
        self.is_blocked = self.may_undo = False
        self.links: dict[str, str] = {}
        self.ended_by: dict[str, set[Wish]] = {}
        self.undo_token = ""
        self.contact_ids: set[int] = set()

    def go(self) -> None:
        self._do("ask")
        for act in self.chance.choices(list(ACTS), ACTS.values(), k=self.chance.randint(3, 9)):
            self._do(act)

    def _do(self, act: str) -> None:
        self.at += 1
        self.said.append(act)
        getattr(self, act)()
        self.check()

    # What may happen.

    def ask(self) -> None:
        ticked = self.chance.sample(self.world.lists, self.chance.randint(1, 2))
        given = submission(
            self.world.organisation,
            self.world.form,
            *ticked,
            address=self.address,
            tracking=self.chance.random() < 0.5,
        )
        with unit_of_work():
            # As if all earlier mails were long ago: how many may go out is told elsewhere.
            for request in self._requests():
                request.requested_at -= timedelta(days=30)
            public_id = signup.request(given)
            assert (public_id is None) is self.is_blocked
            if public_id is not None:
                token = signup.sign_dispute_link(public_id, given.address.digest)
                self.links[public_id] = token

    def confirm(self) -> None:
        if not self.links:
            return
        request = self.chance.choice(self._requests())
        name, was_open = request.public_id, request.state is RequestState.PENDING
        try:
            with unit_of_work():
                confirmed = signup.confirm(request, ACT)
                lists = [mailing_list.id for mailing_list in confirmed.lists]
        except LinkInvalid:
            assert not was_open or self.is_blocked
            return
        assert not (was_open and self.is_blocked)
        for mailing_list in lists if was_open else ():
            self._wish(mailing_list, name)

    def join(self) -> None:
        contact, mailing_list = self._contact(), self.chance.choice(self.world.lists)
        if contact is None:
            return
        is_member = mailing_list.id in self._lists()
        try:
            with unit_of_work():
                subscriptions.join(contact, mailing_list, SAID)
        except NotAllowed:
            assert self.is_blocked
            return
        assert not self.is_blocked
        if not is_member:
            self._wish(mailing_list.id)

    def leave(self) -> None:
        contact, mailing_list = self._contact(), self.chance.choice(self.world.lists)
        if contact is None:
            return
        with unit_of_work():
            withdrawn = subscriptions.unsubscribe(contact, mailing_list, SAID)
            token = subscriptions.sign_undo(contact, withdrawn)
        self._note_undo(token, {record.mailing_list_id for record in withdrawn})
        self._end(mailing_list.id, token)

    def leave_all(self) -> None:
        contact = self._contact()
        if contact is None:
            return
        with unit_of_work():
            withdrawn = subscriptions.unsubscribe_all(contact, SAID)
            token = subscriptions.sign_undo(contact, withdrawn)
        stopped_before = self.stopped_at
        self._stop()
        self._note_undo(token, {record.mailing_list_id for record in withdrawn}, stopped_before)
        for mailing_list in self._lists():
            self._end(mailing_list, token)

    def undo(self) -> None:
        if not self.undo_token:
            return
        try:
            with unit_of_work():
                restored = subscriptions.undo(self.undo_token, SAID)
        except (NotAllowed, LinkInvalid):
            assert not (self.may_undo and self._ended_by(self.undo_token))
            return
        self.stopped_at = self.undo_stopped_at
        lists = {record.mailing_list_id for record in restored} - {None}
        assert not lists or self.may_undo
        wishes = self.ended_by.get(self.undo_token, set())
        for mailing_list in lists:
            assert self.last_end.get(mailing_list) == self.undo_token
            again = [wish for wish in wishes if wish.mailing_list == mailing_list]
            assert len(again) == sum(one.mailing_list_id == mailing_list for one in restored)
            for wish in again:
                self._wish(mailing_list, wish.request)

    def dispute(self) -> None:
        if not self.links:
            return
        name = self.chance.choice(list(self.links))
        with unit_of_work():
            link = signup.read_dispute_token(self.links[name])
            assert signup.dispute(link, SAID)
        self.is_blocked, self.may_undo = True, False
        ended = {wish.mailing_list for wish in self.wishes if wish.request == name}
        self.wishes = {wish for wish in self.wishes if wish.request != name}
        self.last_end |= dict.fromkeys(ended, "dispute")
        self.said_no |= ended

    def take_back(self) -> None:
        contact, entry = self._contact(), self._block()
        if contact is None and entry is None:
            return
        name = contact.public_id if contact is not None else entry.public_id
        token = sign_timed(Purpose.CHANGE, name)
        with unit_of_work():
            lifted = subscriptions.lift_block(subscriptions.read_fresh_link(token))
        assert lifted is self.is_blocked
        self.is_blocked = False

    def pause(self) -> None:
        contact = self._contact()
        if contact is not None:
            with unit_of_work():
                contacts.pause(contact, days=30)

    def stop_measuring(self) -> None:
        self._measure(is_agreed=False)

    def agree(self) -> None:
        self._measure(is_agreed=True)

    def _measure(self, *, is_agreed: bool) -> None:
        contact = self._contact()
        if contact is None:
            return
        with unit_of_work():
            subject = consent.get_subject(contact.subject_id)
            if is_agreed:
                consent.record_given(subject, TRACKING, SAID)
            else:
                for given in consent.list_valid(subject, TRACKING):
                    consent.record_withdrawn(given, SAID)

    def bounce(self) -> None:
        contact = self._contact()
        if contact is None:
            return
        with unit_of_work():
            suppress(
                self.world.organisation,
                contact.address_digest or "",
                scope=Scope.MARKETING,
                reason=Reason.BOUNCE,
            )
        self._stop()

    def erase(self) -> None:
        contact = self._contact()
        if contact is None:
            return
        with unit_of_work():
            rights.erase(contact, asked_by=AskedBy.PERSON, evidence=SAID)
        self._stop()
        self.wishes, self.last_end = set(), {}

    def import_(self) -> None:
        mailing_list, before = self.chance.choice(self.world.lists), self._active()
        with contextlib.suppress(NotAllowed):  # when nobody of the file can be brought in
            bring_in(mailing_list, csv_of(f"{self.address},Walker"))
        if self._active() - before:
            assert not self.is_blocked
            assert not self.stopped_at
            assert mailing_list.id not in self.said_no
            self._wish(mailing_list.id)

    # What should be so.

    def check(self) -> None:
        told = (self.address, SEED, self.said)
        assert self._active() == self._lists(), told
        assert self._audience() == self._should_be_mailed(), told
        assert self._without_proof() == 0, told

    def _wish(self, mailing_list: int, request: str = "") -> None:
        self.wishes.add(Wish(mailing_list, self.at, request))
        self.last_end.pop(mailing_list, None)

    def _end(self, mailing_list: int, token: str) -> None:
        ended = {wish for wish in self.wishes if wish.mailing_list == mailing_list}
        if ended:
            self.said_no.add(mailing_list)
        if token:
            self.ended_by.setdefault(token, set()).update(ended)
        self.last_end[mailing_list] = token or "left again"
        self.wishes -= ended

    def _note_undo(self, token: str, lists: set[int | None], stopped_at: int | None = None) -> None:
        """An undo is there if something ended that was mailed; `stopped_at` is from before the press."""
        before = self.stopped_at if stopped_at is None else stopped_at
        is_stopped = any(self._newest(one) <= before for one in lists & self._lists())
        assert bool(token) is (bool(lists) and not self.is_blocked and not is_stopped), self.said
        if token:
            self.undo_token, self.may_undo, self.undo_stopped_at = token, True, before

    def _newest(self, mailing_list: int | None) -> int:
        return max(wish.at for wish in self.wishes if wish.mailing_list == mailing_list)

    def _ended_by(self, token: str) -> bool:
        """Whether the last thing that happened to each list of a press is that press."""
        ended = self.ended_by.get(token, ())
        return bool(ended) and all(self.last_end.get(one.mailing_list) == token for one in ended)

    def _stop(self) -> None:
        self.stopped_at, self.may_undo = self.at, False

    def _lists(self) -> set[int]:
        return {wish.mailing_list for wish in self.wishes}

    def _should_be_mailed(self) -> bool:
        newest = [self._newest(one) for one in self._lists()]
        return not self.is_blocked and any(at > self.stopped_at for at in newest)

    # What is so.

    def _contact(self) -> Contact | None:
        contact = contacts.find_by_address(self.world.organisation, parse_address(self.address))
        if contact is not None:
            self.contact_ids.add(contact.id)
        return contact

    def _requests(self) -> list[SignupRequest]:
        query = sa.select(SignupRequest).where(SignupRequest.public_id.in_(self.links))
        return list(db.session.scalars(query.order_by(SignupRequest.id)))

    def _block(self) -> SuppressionEntry | None:
        return find_blocking(
            self.world.organisation, parse_address(self.address).digest, scope=Scope.ALL_MAIL
        )

    def _active(self) -> set[int]:
        self._contact()
        query = sa.select(Subscription.mailing_list_id).where(
            Subscription.contact_id.in_(self.contact_ids),
            Subscription.state == SubscriptionState.ACTIVE,
        )
        return set(db.session.scalars(query))

    def _audience(self) -> bool:
        return any(
            row.is_blocked == 0
            for one in self.contact_ids
            for row in db.session.execute(
                campaigns.members_of(self.world.campaign.id, after=one - 1, through=one)
            )
        )

    def _without_proof(self) -> int:
        """Active memberships that cite no consent of the same person and list that stands."""
        proof, ending = aliased(ConsentRecord), aliased(ConsentRecord)
        stands = sa.exists().where(
            proof.id == Subscription.proof_id,
            proof.state.in_(ALLOWS_SENDING),
            proof.mailing_list_id == Subscription.mailing_list_id,
            proof.subject_id == Contact.subject_id,
            ~sa.exists().where(ending.ends_id == proof.id),
        )
        query = (
            sa.select(sa.func.count())
            .select_from(Subscription)
            .join(Contact, Contact.id == Subscription.contact_id)
            .where(
                Subscription.contact_id.in_(self.contact_ids),
                Subscription.state == SubscriptionState.ACTIVE,
                ~stands,
            )
        )
        return db.session.scalar(query) or 0


@pytest.mark.requirement("C-032")
def test_nobody_who_said_no_is_mailed_and_no_confirmed_wish_is_lost(app: Flask) -> None:
    world = World()
    for number in range(SEQUENCES):
        Walk(world, number).go()
        db.session.rollback()
