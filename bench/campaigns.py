"""Campaigns that are ready to be sent to a crowd."""

from __future__ import annotations

from dataclasses import dataclass

from bench.composing import make_campaign, make_recipients
from bench.crowd import make_crowd
from mailer import campaigns, delivery, organisations
from mailer.campaigns import Campaign
from mailer.delivery import Composer
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_sender_by_id, signing_domain
from tests.support.factories import make_list, make_organisation

LOOKED_AT = 50  # mails of which the size is taken


@dataclass(frozen=True, slots=True)
class Written:
    """What is known of a campaign beforehand."""

    mails: int
    octets: int  # of a mail on the wire, on the average


def write_campaign(
    name: str,
    *,
    mails: int,
    octets: int,
    algorithms: tuple[str, ...] = (),
    is_planned: bool = True,
    tracked: bool = False,
) -> Written:
    """An organisation with `mails` people, and a campaign of about `octets` on the wire for them.

    It is planned and paused, or, if it is not to be planned, it has been started. With `tracked`, everybody
    agreed to be counted, and the links of the same text are led through us, about a dozen in 10 KB; the
    mails are that much longer.
    """
    organisation = make_organisation()
    mailing_list = make_list(organisation)
    make_crowd(mailing_list, mails, tracked=tracked)
    if algorithms:
        domain = signing_domain(get_sender_by_id(mailing_list.sender_id))
        with unit_of_work():
            organisations.make_domain_keys(organisation, domain, algorithms)
            organisations.begin_signing(organisation, domain)
    campaign = _started(organisation, mailing_list, name, octets, tracked=tracked)
    if is_planned:
        plan_all(campaign)
        with unit_of_work():
            campaigns.pause(campaign)
    return Written(mails, _octets(campaign, mailing_list))


def _started(
    organisation: Organisation, mailing_list: MailingList, name: str, octets: int, *, tracked: bool
) -> Campaign:
    campaign = make_campaign(organisation, mailing_list, octets, name=name)
    with unit_of_work():
        campaign.counts_clicks = tracked
        campaigns.start(campaign)
    return campaign


def _octets(campaign: Campaign, mailing_list: MailingList) -> int:
    composer = Composer(campaign)
    people = make_recipients(mailing_list, LOOKED_AT)
    bodies = [
        composer.compose(one._replace(is_counted=campaign.counts_clicks)).body for one in people
    ]
    return sum(map(len, bodies)) // len(bodies)


def plan_all(campaign: Campaign) -> None:
    """Plan everybody, slice by slice, each slice kept before the next begins, as a worker does."""
    has_more = True
    while has_more:
        with unit_of_work():
            has_more = delivery.plan(campaign.id)
