"""Whom a campaign reaches: its members, judged by the send gate, and for whom its mail can be made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from mailer.campaigns.drafting import lists_of
from mailer.campaigns.models import Campaign, CampaignList
from mailer.campaigns.renderable import Renderable
from mailer.campaigns.send_gate import (
    GATE_COLUMNS,
    GATE_TABLES,
    IS_SUPPRESSED,
    SUPPRESSES,
    Held,
    verdict_of,
)
from mailer.campaigns.states import Against
from mailer.consent import ConsentRecord
from mailer.contacts import Contact
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.lists import MailingList
from mailer.subscriptions import Subscription, SubscriptionState, count_active
from mailer.suppression import Reason

UNRENDERABLE = "unrenderable"
COUNT = "COUNT(*)"
# Of several entries the weightiest names the reason: a mailbox that refuses mail is no wish of the person.
_SUPPRESSED_FOR = f"""
  CASE WHEN {IS_SUPPRESSED} THEN (
    SELECT e.reason FROM suppressed_consents e WHERE {SUPPRESSES}
    ORDER BY CASE WHEN e.reason = 'bounce' THEN 1 ELSE 0 END, e.entry_id LIMIT 1
  ) END"""  # noqa: S608  # made of constants
_GATE_SIZE, _FIRST_VALUE = 5, 6


@dataclass(frozen=True, slots=True)
class ListCount:
    """How many active members one list has; a person in two lists counts in both."""

    mailing_list: MailingList
    members: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody of an audience stands: a word of Against, of suppression's Reason, or UNRENDERABLE.

    An empty word: they get the mail. `is_held`: they get it later, when the word counts no longer.
    """

    word: str = ""
    is_held: bool = False


REACHED = Place()


@dataclass(frozen=True, slots=True)
class AudiencePreview:
    """The people a campaign would reach now, each counted once, and the places they stand at."""

    lists: Sequence[ListCount]
    places: Mapping[Place, int]

    @property
    def people(self) -> int:
        return sum(self.places.values())

    @property
    def reachable(self) -> int:
        """Who gets the mail as soon as it starts."""
        return self.places.get(REACHED, 0)

    @property
    def held(self) -> Mapping[str, int]:
        """Who gets it later, by what holds them back."""
        return {place.word: count for place, count in self.places.items() if place.is_held}

    @property
    def left_out(self) -> Mapping[str, int]:
        """Who does not get it, by the reason."""
        return {
            place.word: count
            for place, count in self.places.items()
            if place.word and not place.is_held
        }

    @property
    def suppressed(self) -> int:
        """Who is left out because their address is not to be mailed, for whatever reason."""
        return sum(self.left_out.get(reason.value, 0) for reason in Reason)


def members_of(campaign_id: int, *, after: int = 0, through: int | None = None) -> sa.Select[Any]:
    """SQL: one row a person with an active membership in one of the campaign's lists.

    Columns campaign_id, contact_id, mailing_list_id, proof_id, is_blocked, address. Of several memberships
    the oldest list's counts, an unsuppressed one first. `after` and `through` bound the contacts' row ids.
    """
    contact, consent = aliased(Contact, name="c"), aliased(ConsentRecord, name="r")
    blocked = sa.literal_column(f"CASE WHEN {IS_SUPPRESSED} THEN 1 ELSE 0 END", sa.Integer())
    candidates = (
        sa.select(
            CampaignList.campaign_id,
            Subscription.contact_id,
            Subscription.mailing_list_id,
            Subscription.proof_id,
            blocked.label("is_blocked"),
            contact.address,
        )
        .join(CampaignList, CampaignList.mailing_list_id == Subscription.mailing_list_id)
        .join(contact, contact.id == Subscription.contact_id)
        .join(consent, consent.id == Subscription.proof_id)
        .where(
            CampaignList.campaign_id == campaign_id,
            Subscription.state == SubscriptionState.ACTIVE,
            Subscription.contact_id > after,
            contact.erased_at.is_(None),
            contact.address.is_not(None),
        )
    )
    if through is not None:
        candidates = candidates.where(Subscription.contact_id <= through)
    each = candidates.subquery()
    rank = (
        sa.func.row_number()
        .over(partition_by=each.c.contact_id, order_by=(each.c.is_blocked, each.c.mailing_list_id))
        .label("rank")
    )
    ranked = sa.select(each, rank).subquery()
    return sa.select(*[column for column in ranked.c if column.name != "rank"]).where(
        ranked.c.rank == 1
    )


def audience_preview(campaign: Campaign) -> AudiencePreview:
    """Count whom a campaign would reach if it started now, by the gate that claiming asks."""
    mailing_lists = lists_of(campaign)
    active = count_active([mailing_list.id for mailing_list in mailing_lists])
    places: Counter[Place] = Counter()
    for place, count in judge(campaign, members_of(campaign.id), COUNT):
        places[place] += count
    return AudiencePreview(
        lists=[ListCount(one, active[one.id]) for one in mailing_lists], places=places
    )


def list_at(campaign: Campaign, place: Place, *, limit: int) -> list[Contact]:
    """The first `limit` people who stand at `place` in the audience that a campaign would have now."""
    ids: list[int] = []
    for found, contact_id in judge(campaign, members_of(campaign.id), "d.contact_id"):
        if found == place:
            ids.append(contact_id)
            if len(ids) == limit:
                break
    query = sa.select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id)
    return list(db.session.scalars(query))


def judge(campaign: Campaign, people: sa.Select[Any], asked: str) -> Iterator[tuple[Place, int]]:
    """Where each of `people` stands now, with what is `asked` of them: a column of `d`, or their number.

    `people` give columns campaign_id, contact_id and mailing_list_id; who have the same gate and the same
    values for this mail are counted together when their number is asked.
    """
    renderable = Renderable(campaign)
    columns = ",".join((GATE_COLUMNS, _SUPPRESSED_FOR, *renderable.columns))
    last = _FIRST_VALUE + len(renderable.columns)
    numbers = ", ".join(str(number + 1) for number in range(last))
    tail = f"GROUP BY {numbers}" if asked == COUNT else f"ORDER BY {asked}"
    statement = sa.text(f"SELECT {columns}, {asked} FROM d {GATE_TABLES} {tail}")  # noqa: S608  # constants
    shape = statement.columns(*[sa.column(f"v{n}") for n in range(last + 1)])
    moment = now()
    last_day = (campaign.started_at or moment) + timedelta(days=settings().hold_days)
    for row in db.session.execute(shape.add_cte(people.cte("d"))):
        place = _place_of(row, moment, last_day)
        if (place is REACHED or place.is_held) and not renderable.can_render(
            row[_FIRST_VALUE:last]
        ):
            place = Place(UNRENDERABLE)
        yield place, row[last]


def _place_of(row: Any, moment: datetime, last_day: datetime) -> Place:
    verdict = verdict_of(row[:_GATE_SIZE], moment)
    if verdict is None:
        return REACHED
    if isinstance(verdict, Held):
        return Place(verdict.reason.value, is_held=verdict.until <= last_day)
    if verdict is Against.SUPPRESSED:
        return Place(row[_GATE_SIZE])
    return Place(verdict.value)
