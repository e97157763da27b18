"""Taking over what dead workers left: their journals say what was sent and what was answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from mailer.foundation.database import unit_of_work
from mailer.jobs.runner import journal_directory
from mailer.transport import Outcome, abandoned


class Settler(Protocol):
    """A kind of mail that recovery can settle; both verbs run inside a unit of work."""

    def settle_owner(
        self, owner: str, answered: Mapping[str, Outcome], at_risk: Collection[str]
    ) -> int:
        """Settle everything `owner` had claimed; doing it twice changes nothing."""
        ...

    def expire_leases(self, living: Collection[str]) -> int:
        """Give up what is claimed beyond its lease by owners that are not in `living`."""
        ...


def recover(settlers: Sequence[Settler], owners: str = "") -> int:
    """Settle what dead workers left; returns how many mails. Safe to run anywhere, at any time.

    With `owners`, only journals of workers whose names begin so are looked at; `settlers` must know every
    kind of mail that those send.
    A journal whose lock can be had belongs to a dead owner. It is removed only after what it says is
    committed, so that a death in between repeats the work instead of losing it. A lease without a
    journal (another host, a lost disk) ends in uncertainty.
    """
    directory = journal_directory()
    count = 0
    for journal in abandoned(directory, owners):
        with journal:
            with unit_of_work():
                for settler in settlers:
                    count += settler.settle_owner(journal.owner, journal.answered, journal.at_risk)
            journal.remove()
    living = {path.stem for path in directory.glob("*.journal")}
    with unit_of_work():
        for settler in settlers:
            count += settler.expire_leases(living)
    return count
