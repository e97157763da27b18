"""Audiences up to a million: the time to plan one, and the memory of a worker that plans and sends it."""

from __future__ import annotations

import time

import sqlalchemy as sa

from bench import workers
from bench.campaigns import plan_all, write_campaign
from bench.figures import Sheet
from bench.places import Ground, Place, application, environ_for
from bench.workers import Job
from mailer.campaigns import Campaign
from mailer.foundation.database import db
from tests.support.make_campaigns import counts_of

OCTETS = 10_000  # of a mail on the wire
MILLION = 1_000_000
MOST_MEGABYTES = 100.0
MOST_SECONDS = 15.0  # to plan a million
_NAME = "Everybody"


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add memory by the size of the audience, and the seconds to plan the largest, on SQLite."""
    place = ground.places[0]
    for count in ground.sizes.audiences:
        _measure(ground, sheet, place, count)
    sheet.close_group()
    sheet.notes.append(
        f"audience: {place.name}, mails of {OCTETS // 1000} KB; the worker plans as it goes, and is looked "
        f"at when it has sent {ground.sizes.part:,} mails of a larger audience. The people are made inside "
        "the database. Planning the largest audience is measured alone, in slices of their own transactions."
    )


def _measure(ground: Ground, sheet: Sheet, place: Place, count: int) -> None:
    mails = min(count, ground.sizes.part)

    def fill() -> None:
        write_campaign(_NAME, mails=count, octets=OCTETS, is_planned=False)

    with ground.template(place, fill) as url, ground.sink() as port:
        job = Job(_NAME, port, mails, is_part=mails < count)
        used = workers.send(ground, place, url, job)
        name = f"audience of {count:,}"
        if used.megabytes is not None:
            most = MOST_MEGABYTES
            sheet.add(f"{name}: worker, peak", "MB", used.megabytes, at_most=most)
        if count == ground.sizes.audiences[-1]:
            seconds = _plan(ground, place, url, count)
            most_seconds = MOST_SECONDS if count == MILLION else None
            sheet.add(f"{name}: planning", "s", seconds, at_most=most_seconds)


def _plan(ground: Ground, place: Place, template: str, count: int) -> float:
    """Seconds to plan everybody."""
    directory = ground.new_directory()
    with (
        place.database(directory, template) as url,
        application(environ_for(directory, MAILER_DATABASE_URL=url)),
    ):
        campaign = db.session.scalars(sa.select(Campaign)).one()
        began = time.perf_counter()
        plan_all(campaign)
        took = time.perf_counter() - began
        planned = counts_of(campaign).total()
    if planned != count:
        raise RuntimeError(f"{planned} of {count} people were planned")
    return took
