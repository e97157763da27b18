"""People who were refused for a reason of ours are planned again: they were no reader's answer."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from mailer.delivery import bounces
from mailer.delivery.advice import why_paused
from mailer.delivery.alarm import Series
from mailer.delivery.outcomes import series_of
from mailer.foundation import driver
from mailer.foundation.clock import now
from mailer.transport import CERTAIN, About, pattern_of, read_answer

SLACK = timedelta(minutes=1)  # clocks of several hosts
MOST_LOOKED_AT = 1_000
FEWEST_DESTINATIONS = 3  # with an answer that may be about the reader
MANY = 10  # the same, where others were taken before


def give_back(campaign_id: int, series: Series) -> int:
    """Plan those again who were refused, or put off, with the answer of a series; returns how many.

    The refused ones got a 5xx, so nothing of what is planned again can have been accepted. Their addresses
    count as bounced no more.
    """
    since = driver.moment_in(series.since - SLACK)
    rows = driver.execute(
        "SELECT id, state, reply_code, reply_text FROM deliveries WHERE campaign_id = ?"
        " AND state IN ('refused', 'deferred') AND reply_code IS NOT NULL"
        " AND (settled_at IS NULL OR settled_at >= ?)",
        (campaign_id, since),
    ).fetchall()
    of_series = [
        (row[0], row[1])
        for row in rows
        if series.key in (series_of(row[2], row[3]), pattern_of(row[2], row[3]))
    ]
    bounces.take_back([delivery_id for delivery_id, state in of_series if state == "refused"])
    at = driver.moment_in(now())
    driver.execute_each(
        "UPDATE deliveries SET state = 'planned', due_at = ?, owner = NULL, settled_at = NULL,"
        " attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END"
        " WHERE id = ? AND state = ?",
        [(at, delivery_id, state) for delivery_id, state in of_series],
    )
    return len(of_series)


def find_last_series(campaign_id: int) -> Series | None:
    """The answer about us with which a campaign would end; None when it may be called sent.

    What is certain by its words needs nobody else; what may be about the reader needs many destinations.
    """
    rows = driver.execute(
        "SELECT reply_code, reply_text, destination, settled_at FROM deliveries"
        " WHERE campaign_id = ? AND state = 'refused' AND reply_code >= 500"
        " ORDER BY settled_at DESC LIMIT ?",
        (campaign_id, MOST_LOOKED_AT),
    ).fetchall()
    if not rows:
        return None
    last = driver.execute(
        "SELECT MAX(settled_at) FROM deliveries WHERE campaign_id = ? AND state = 'accepted'",
        (campaign_id,),
    ).scalar()
    if last is not None:
        rows = [row for row in rows if row[3] > last]
    keys = [series_of(row[0], row[1]) for row in rows]
    for key, count in Counter(filter(None, keys)).most_common():
        alike = [row for row, one in zip(rows, keys, strict=True) if one == key]
        about = read_answer(alike[0][0], alike[0][1]).about
        destinations = len({row[2] for row in alike})
        if _is_about_us(about, count, destinations, has_taken=last is not None):
            because = why_paused(about, f"{alike[0][0]} {alike[0][1]}")
            return Series(key, driver.moment_out(alike[-1][3]), because)
    return None


def _is_about_us(about: About, count: int, destinations: int, *, has_taken: bool) -> bool:
    if about in (About.QUOTA, About.ACCOUNT):
        return True
    if about in CERTAIN:
        return destinations > 1 or not has_taken
    return destinations >= FEWEST_DESTINATIONS and (not has_taken or count >= MANY)
