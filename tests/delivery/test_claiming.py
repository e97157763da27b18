from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import campaigns, consent, contacts, delivery, subscriptions, suppression
from mailer.consent import About
from mailer.contacts import Contact
from mailer.delivery import Delivery, DeliveryState, Lookout, SendingOwner, SkipReason
from mailer.foundation import context
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.suppression import Reason, Scope
from tests.delivery.conftest import Mailing
from tests.support.make_audience import contact_of, make_people
from tests.support.make_campaigns import counts_of, deliveries_of, make_started
from tests.support.make_counted import agree, make_counting

ME = "bulk-here-1"


def _claim(mailing: Mailing, *, owner: str = ME, limit: int = 100) -> delivery.Claim:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        return delivery.claim(mailing.campaign.id, owner, limit=limit)


def test_a_claim_brings_what_a_mail_is_made_of(mailing: Mailing) -> None:
    claim = _claim(mailing, limit=2)
    assert [one.address for one in claim.recipients] == mailing.people[:2]
    assert claim.skipped == 0
    assert claim.recipients[0].values["email"] == mailing.people[0]
    assert counts_of(mailing.campaign) == {DeliveryState.CLAIMED: 2, DeliveryState.PLANNED: 1}
    [lease] = db.session.scalars(sa.select(SendingOwner.lease_until)).all()
    assert lease > now() + timedelta(minutes=1)


@pytest.mark.parametrize("counts_clicks", [True, False])
def test_what_was_claimed_is_let_go_of_at_once(mailing: Mailing, counts_clicks: bool) -> None:
    agree(mailing.people[0])
    campaign = make_counting(
        mailing.organisation, mailing.mailing_list, counts_clicks=counts_clicks
    )
    gc.collect()
    gc.disable()  # a worker claims thousands of people a second; the collector comes much later
    try:
        with unit_of_work():
            delivery.plan(campaign.id)
            claimed = delivery.claim(campaign.id, ME, limit=100).recipients
        addresses = {one.address for one in claimed}
        assert addresses == set(mailing.people)
        del claimed
        kept = [one for one in gc.get_objects() if isinstance(one, delivery.Recipient)]
        assert [one for one in kept if one.address in addresses] == []
    finally:
        gc.enable()


def _accepted(recipient: delivery.Recipient) -> delivery.Result:
    return delivery.Result(
        recipient.delivery_id,
        DeliveryState.ACCEPTED,
        now(),
        reply_code=250,
        batch_id=recipient.batch_id,
    )


@pytest.mark.parametrize(
    "texts",
    [
        ["2.0.0 queued", "", 'said "{NULL}", \\N \\ and ä\u2028,'],
        ["", "", "a\x1fb\x00c"],
        [""],
    ],
)
def test_what_the_relay_answered_is_kept_word_for_word(mailing: Mailing, texts: list[str]) -> None:
    claim = _claim(mailing)
    codes = [250, None, 251][: len(texts)]
    at = datetime(2026, 3, 29, 1, 59, 59, 999_001, tzinfo=UTC)
    with unit_of_work():
        delivery.settle(
            ME,
            [
                _accepted(one)._replace(reply_code=code, reply_text=text, at=at)
                for one, code, text in zip(claim.recipients, codes, texts, strict=False)
            ],
        )
    rows = deliveries_of(mailing.campaign)[: len(texts)]
    assert [row.reply_code for row in rows] == codes
    # What no answer holds may be lost: separators and NUL.
    assert [_plain(row.reply_text) for row in rows] == [_plain(text) for text in texts]
    assert {row.settled_at for row in rows} == {at}
    assert {row.state for row in rows} == {DeliveryState.ACCEPTED}


def _plain(text: str) -> str:
    return text.replace("\x1f", " ").replace("\x00", "")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("is_analysed", [True, False])
def test_no_table_is_read_whole_for_a_batch(mailing: Mailing, is_analysed: bool) -> None:
    make_people(mailing.mailing_list, 4_000, prefix="one-of-many")
    campaign = make_started(mailing.organisation, mailing.mailing_list)
    with unit_of_work():
        delivery.plan(campaign.id)
    if is_analysed:
        with unit_of_work():
            db.session.execute(sa.text("ANALYZE"))
    with _no_table_read_whole():
        claimed = delivery.claim(campaign.id, ME, limit=1_000).recipients
    with _no_table_read_whole():
        delivery.settle(ME, [_accepted(one) for one in claimed])
    with _no_table_read_whole():
        assert Lookout(ME).look_at_everybody() == frozenset()
    assert counts_of(campaign)[DeliveryState.ACCEPTED] == 1_000


@contextmanager
def _no_table_read_whole() -> Iterator[None]:
    """A unit of work in which PostgreSQL reads no large table from end to end, and starts no helpers."""
    with unit_of_work():
        before = _times_read_whole()
        yield
        assert _times_read_whole() == before
        helpers = db.session.scalar(sa.text("SHOW max_parallel_workers_per_gather"))
        assert helpers == "0"


def _times_read_whole() -> dict[str, int]:
    query = sa.text("SELECT relname, seq_scan FROM pg_stat_xact_user_tables")
    large = ("deliveries", "contacts", "consent_records", "subscriptions")
    return {name: count for name, count in db.session.execute(query) if name in large and count}


def test_many_workers_claim_every_row_once(app: Flask, mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 397, prefix="more")
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    taken: list[int] = []

    def work(owner: str) -> None:
        with app.app_context():
            while True:
                with unit_of_work():
                    claim = delivery.claim(mailing.campaign.id, owner, limit=7)
                if claim.is_empty:
                    break
                taken.extend(one.delivery_id for one in claim.recipients)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(f"bulk-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 400


@pytest.mark.parametrize("step", ["pause", "cancel"])
def test_a_stopped_campaign_is_not_claimed(mailing: Mailing, step: str) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        getattr(campaigns, step)(campaigns.get_campaign_by_id(mailing.campaign.id))
    with unit_of_work():
        assert delivery.claim(mailing.campaign.id, ME, limit=10).is_empty


@pytest.mark.requirement("C-061")
def test_who_left_since_planning_is_skipped_with_the_reason(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    with unit_of_work():
        leaver = contact_of(mailing.people[0])
        subscriptions.unsubscribe(leaver, mailing.mailing_list, {"act": "link"})
        contact_of(mailing.people[1]).erased_at = now()
    claim = _claim(mailing)
    assert [one.address for one in claim.recipients] == mailing.people[2:]
    assert claim.skipped == 2
    reasons = [row.skip_reason for row in deliveries_of(mailing.campaign)]
    assert reasons == [SkipReason.WITHDRAWN, SkipReason.ERASED, None]


@pytest.mark.requirement("C-061")
def test_who_left_and_came_back_is_mailed_on_the_new_consent(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    with unit_of_work():
        contact = contact_of(mailing.people[0])
        subscriptions.unsubscribe(contact, mailing.mailing_list, {"act": "link"})
        again = subscriptions.join(contact, mailing.mailing_list, {"act": "preferences"}).proof_id
    assert [one.address for one in _claim(mailing).recipients] == mailing.people
    assert deliveries_of(mailing.campaign)[0].consent_record_id == again


def test_a_renewed_consent_does_not_end_the_one_a_row_cites(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
    with unit_of_work():
        contact = contact_of(mailing.people[0])
        subject = consent.get_subject(contact.subject_id)
        renewed = consent.record_given(subject, About(mailing.mailing_list), {"act": "again"})
        subscriptions.activate(contact, mailing.mailing_list, renewed)
    assert len(_claim(mailing).recipients) == 3


def test_what_is_not_due_yet_waits(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        db.session.execute(sa.update(Delivery).values(due_at=now() + timedelta(minutes=5)))
    assert not delivery.has_due()
    assert _claim(mailing).is_empty


@pytest.mark.requirement("C-061")
def test_looking_again_finds_who_left_meanwhile(mailing: Mailing) -> None:
    claim = _claim(mailing)
    lookout = Lookout(ME)
    before = lookout.look()
    assert before.sending == {mailing.campaign.id}
    assert all(before.allows(one) for one in claim.recipients)
    with unit_of_work():
        leaver = contact_of(mailing.people[1])
        subscriptions.unsubscribe(leaver, mailing.mailing_list, {"act": "link"})
    after = lookout.look()
    assert [after.allows(one) for one in claim.recipients] == [True, False, True]
    with unit_of_work():
        assert lookout.look_at_everybody() == {claim.recipients[1].delivery_id}
        campaigns.pause(campaigns.get_campaign_by_id(mailing.campaign.id))
    assert not any(lookout.look().allows(one) for one in claim.recipients)


@pytest.mark.requirement("C-061")
@pytest.mark.parametrize("what", ["suppress", "erase", "restrict", "pause"])
def test_looking_again_finds_who_must_not_be_written_to_any_more(
    mailing: Mailing, what: str
) -> None:
    claim = _claim(mailing)
    lookout = Lookout(ME)
    assert all(lookout.look().allows(one) for one in claim.recipients)
    with unit_of_work():
        contact = contact_of(mailing.people[2])
        if what == "suppress":
            assert contact.address_digest is not None
            suppression.suppress(
                mailing.organisation,
                contact.address_digest,
                scope=Scope.MARKETING,
                reason=Reason.COMPLAINT,
            )
        elif what == "erase":
            contact.erased_at = now()
        elif what == "restrict":
            contacts.restrict(contact, "They say that the address is wrong.")
        else:
            contacts.pause(contact, days=30)
    standing = lookout.look()
    assert [standing.allows(one) for one in claim.recipients] == [True, True, False]


def test_an_older_suppression_does_not_stop_who_consented_since(mailing: Mailing) -> None:
    with unit_of_work():
        contact = contact_of(mailing.people[0])
        subscriptions.unsubscribe_all(contact, {"act": "link"})
        subscriptions.join(contact, mailing.mailing_list, {"act": "preferences"})
    claim = _claim(mailing)
    standing = Lookout(ME).look()
    assert [one.address for one in claim.recipients] == mailing.people
    assert all(standing.allows(one) for one in claim.recipients)


def test_who_was_given_up_may_send_nothing_any_more(mailing: Mailing) -> None:
    claim = _claim(mailing)
    lookout = Lookout(ME)
    with unit_of_work():
        db.session.execute(sa.update(SendingOwner).values(lease_until=now()))
        assert delivery.expire_leases([]) == 3
    assert claim.recipients
    assert not lookout.look().is_owner


def test_towards_the_end_of_a_campaign_a_worker_leaves_the_others_their_part(
    app: Flask, mailing: Mailing
) -> None:
    make_people(mailing.mailing_list, 397, prefix="more")
    app.extensions[context.KEY] = replace(context.settings(), worker_count=4)
    _claim(mailing, limit=1)  # everybody is planned from here on
    first = _claim(mailing, limit=1_000)
    second = _claim(mailing, owner="bulk-there-1", limit=1_000)
    assert 50 <= len(second.recipients) < len(first.recipients) <= 100
    while not _claim(mailing, limit=1_000).is_empty:
        pass
    assert counts_of(mailing.campaign) == {DeliveryState.CLAIMED: 400}


def test_released_rows_are_planned_again_uncounted(mailing: Mailing) -> None:
    claim = _claim(mailing)
    with unit_of_work():
        delivery.release(ME, [one.delivery_id for one in claim.recipients[:2]])
    assert counts_of(mailing.campaign) == {DeliveryState.PLANNED: 2, DeliveryState.CLAIMED: 1}
    assert {row.attempts for row in deliveries_of(mailing.campaign)} == {0}


@pytest.mark.requirement("C-091")
def test_who_is_restricted_is_left_out(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        contacts.restrict(contact_of(mailing.people[1]), "They say that the address is wrong.")
    claim = _claim(mailing)
    assert [one.address for one in claim.recipients] == [mailing.people[0], mailing.people[2]]
    row = deliveries_of(mailing.campaign)[1]
    assert (row.state, row.skip_reason) == (DeliveryState.SKIPPED, SkipReason.RESTRICTED)


def test_who_paused_is_held_back_until_then_and_the_campaign_waits(mailing: Mailing) -> None:
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        contacts.pause(contact_of(mailing.people[0]), days=3)
        contacts.pause(contact_of(mailing.people[1]), days=300)
    claim = _claim(mailing)
    assert [one.address for one in claim.recipients] == mailing.people[2:]
    first, second, _ = deliveries_of(mailing.campaign)
    assert first.state is DeliveryState.HELD
    assert (second.state, second.skip_reason) == (DeliveryState.SKIPPED, SkipReason.PAUSED)
    with unit_of_work():
        delivery.settle(ME, [_accepted(claim.recipients[0])])
    assert delivery.list_finished() == []
    with unit_of_work():
        contacts.end_pause(contact_of(mailing.people[0]))
        db.session.execute(
            sa.update(Delivery).values(due_at=now()).where(Delivery.due_at.is_not(None))
        )
    assert [one.address for one in _claim(mailing).recipients] == mailing.people[:1]


def test_who_asked_for_less_mail_is_held_back_until_enough_days_went_by(mailing: Mailing) -> None:
    with unit_of_work():
        contacts.set_mail_interval(contact_of(mailing.people[0]), 30)
    first = _claim(mailing)
    assert len(first.recipients) == 3
    other = make_started(mailing.organisation, mailing.mailing_list)
    with unit_of_work():
        delivery.plan(other.id)
        # The first campaign's mail is in somebody's hand.
        assert delivery.claim(other.id, ME, limit=10).held == 1
        delivery.settle(ME, [_accepted(one) for one in first.recipients])
        db.session.execute(
            sa.update(Delivery).values(due_at=now()).where(Delivery.due_at.is_not(None))
        )
        claim = delivery.claim(other.id, ME, limit=10)
    assert (claim.recipients, claim.skipped + claim.held) == ([], 1)
    row = deliveries_of(other)[0]
    assert (row.state, row.skip_reason) == (DeliveryState.SKIPPED, SkipReason.TOO_OFTEN)


@pytest.mark.requirement("E-065")
def test_a_claim_leaves_blocked_destinations_out_and_takes_them_later(mailing: Mailing) -> None:
    make_people(mailing.mailing_list, 2, prefix="elsewhere", domain="gmail.com")
    with unit_of_work():
        delivery.plan(mailing.campaign.id)
        until = now() + timedelta(minutes=1)
        claim = delivery.claim(mailing.campaign.id, ME, limit=10, blocked={"google": until})
    assert len(claim.recipients) == 3
    assert {one.due_at for one in deliveries_of(mailing.campaign)[3:]} == {until}
    assert counts_of(mailing.campaign) == {DeliveryState.CLAIMED: 3, DeliveryState.PLANNED: 2}


def test_a_campaign_is_finished_only_when_nobody_is_open(mailing: Mailing) -> None:
    assert delivery.list_finished() == []  # not planned yet
    _claim(mailing)
    assert delivery.list_finished() == []
    with unit_of_work():
        db.session.execute(sa.update(Delivery).values(state=DeliveryState.DEFERRED))
    assert delivery.list_finished() == []
    with unit_of_work():
        db.session.execute(sa.update(Delivery).values(state=DeliveryState.UNCERTAIN))
    assert delivery.list_finished() == [mailing.campaign.id]


def test_what_is_on_the_wire_when_a_campaign_is_cancelled_settles_first(mailing: Mailing) -> None:
    _claim(mailing, limit=1)
    with unit_of_work():
        campaigns.cancel(campaigns.get_campaign_by_id(mailing.campaign.id))
        assert delivery.skip_cancelled() == 2
        assert delivery.skip_cancelled() == 0
    assert counts_of(mailing.campaign) == {DeliveryState.CLAIMED: 1, DeliveryState.SKIPPED: 2}


def test_leases_are_extended_for_their_owner_alone(mailing: Mailing) -> None:
    _claim(mailing, limit=1)
    _claim(mailing, owner="bulk-other", limit=1)
    with unit_of_work():
        db.session.execute(sa.update(SendingOwner).values(lease_until=now()))
        assert delivery.extend_lease(ME)
        assert not delivery.extend_lease("bulk-nobody")
    leases = {one.owner: one.lease_until for one in db.session.scalars(sa.select(SendingOwner))}
    assert leases[ME] > now() + timedelta(minutes=1) > leases["bulk-other"]


def test_the_contact_of_a_claim_is_read_once(mailing: Mailing) -> None:
    claim = _claim(mailing)
    with unit_of_work():
        db.session.execute(sa.update(Contact).values(first_name="Changed"))
    assert "Changed" not in claim.recipients[0].name
