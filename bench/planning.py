"""Fixing the audience of a campaign: how many people are planned in a second."""

from __future__ import annotations

import time
from contextlib import ExitStack

from bench.campaigns import plan_all
from bench.figures import Sheet
from bench.places import Ground, application, environ_for
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import make_people
from tests.support.make_campaigns import counts_of, make_started

ROUND_SECONDS = 12.0  # no further round is begun after these


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add the rate of planning on each kind of database."""
    count = ground.sizes.contacts
    with ExitStack() as undo:
        made: dict[str, tuple[dict[str, str], Organisation, MailingList]] = {}
        for place in ground.places:
            rows: list[tuple[Organisation, MailingList]] = []

            def fill(rows: list[tuple[Organisation, MailingList]] = rows) -> None:
                organisation = make_organisation()
                mailing_list = make_list(organisation)
                make_people(mailing_list, count)
                rows.append((organisation, mailing_list))

            url = undo.enter_context(ground.template(place, fill))
            environ = environ_for(ground.new_directory(), MAILER_DATABASE_URL=url)
            made[place.name] = (environ, *rows[0])
        for _ in ground.rounds(ROUND_SECONDS):
            for name, (environ, organisation, mailing_list) in made.items():
                with application(environ):
                    sheet.add(
                        f"planning, {name}", "people/s", _rate(organisation, mailing_list, count)
                    )
    sheet.close_group()
    sheet.notes.append(
        f"planning: {count} people of one list, in slices of their own transactions."
    )


def _rate(organisation: Organisation, mailing_list: MailingList, count: int) -> float:
    campaign = make_started(organisation, mailing_list)
    began = time.perf_counter()
    plan_all(campaign)
    took = time.perf_counter() - began
    planned = counts_of(campaign).total()
    if planned != count:
        raise RuntimeError(f"{planned} of {count} people were planned")
    return count / took
