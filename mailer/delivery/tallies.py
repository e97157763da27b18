"""What all workers together were answered of a campaign, so that none of them has to see it alone (E-092)."""

from __future__ import annotations

from mailer.delivery.alarm import Everywhere, Heard
from mailer.foundation import driver

_ADD = """
INSERT INTO campaign_tallies (campaign_id, destination, answers, dead, objections)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (campaign_id, destination) DO UPDATE SET
  answers = campaign_tallies.answers + excluded.answers,
  dead = campaign_tallies.dead + excluded.dead,
  objections = excluded.objections + CASE WHEN ? = 1 THEN 0 ELSE campaign_tallies.objections END
RETURNING answers, dead, objections
"""
EVERYWHERE = ""


def share(campaign_id: int, heard: Heard) -> Everywhere:
    """Add what one worker heard to what all heard, and return that; inside a unit of work."""
    row = driver.execute(_ADD, (campaign_id, EVERYWHERE, heard.answers, heard.dead, 0, 0)).one()
    in_a_row = {}
    for destination, run in heard.objections.items():
        values = (campaign_id, destination, 0, 0, run.length, int(run.is_broken))
        in_a_row[destination] = driver.execute(_ADD, values).one()[2]
    return Everywhere(answers=row[0], dead=row[1], objections=in_a_row)


def forget(campaign_id: int) -> None:
    """Begin to count anew, for the campaign was paused and may be resumed."""
    driver.execute("DELETE FROM campaign_tallies WHERE campaign_id = ?", (campaign_id,))
