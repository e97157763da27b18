"""Keeping bombers out: how many requests are taken in an hour, from where and for whom (S-030).

A visitor over a limit is not turned away: their request is held for the team to look at, as long as there is
room for that too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailer.forms.publishing import PublishedForm
from mailer.foundation.addresses import Address, peppered
from mailer.foundation.context import settings
from mailer.foundation.networks import ip_prefix
from mailer.foundation.throttle import Limit, find_full, give_back, is_within

MAILBOX_PER_HOUR = 10
HOUR, DAY = 3600, 24 * 3600
HELD_PER_NETWORK_DAY, HELD_PER_FORM_DAY, HELD_PER_DAY = 200, 1_000, 5_000

log = logging.getLogger(__name__)


class Admission(StrEnum):
    """What may become of a request; only ADMITTED is true."""

    ADMITTED = "admitted"
    HELD = "held"  # written down for the team to look at; no mail goes out by itself
    REPEATED = "repeated"  # one mailbox was asked for too often: it has had its mail
    FULL = "full"  # so many are held already that no more are written down

    def __bool__(self) -> bool:
        return self is Admission.ADMITTED


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: through which form, for whom, from where."""

    published: PublishedForm
    address: Address
    ip: str

    @property
    def used(self) -> UsedLimits:
        """What the request counts against."""
        return UsedLimits(
            mailbox=self.address.mailbox_digest,
            network=peppered(ip_prefix(self.ip))[:32],
            domain=self.address.domain,
            form=self.published.form.public_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedLimits:
    """What a request counts against: digests of mailbox and network, the domain, the public id of the form."""

    mailbox: str
    network: str
    domain: str
    form: str


def admit(askings: Sequence[Asking]) -> list[Admission]:
    """Count requests in their order, and say what becomes of each (S-030)."""
    used = [asking.used for asking in askings]
    full = find_full([_limits(one) for one in used])
    answers = [Admission.ADMITTED] * len(askings)
    over = [at for at, limit in enumerate(full) if limit is not None]
    if not over:
        return answers
    room = find_full([_limits_of_held(used[at]) for at in over])
    for at, no_room in zip(over, room, strict=True):
        is_repeated = full[at] == _limit_of_mailbox(used[at])
        if is_repeated:
            answers[at] = Admission.REPEATED
        else:
            answers[at] = Admission.HELD if no_room is None else Admission.FULL
        log.warning("a request over a limit: %s", answers[at], extra={"form": used[at].form})
    return answers


def free(used: UsedLimits, counted_at: datetime) -> None:
    """Take a request that was admitted at `counted_at` off the limits again: its mailbox has confirmed it."""
    give_back(_limits(used), counted_at.timestamp())


def _limit_of_mailbox(used: UsedLimits) -> Limit:
    return Limit(f"signup:address:{used.mailbox}", MAILBOX_PER_HOUR, HOUR)


def _limits(used: UsedLimits) -> list[Limit]:
    chosen = settings()
    return [
        _limit_of_mailbox(used),
        Limit(f"signup:ip:{used.network}", chosen.signups_per_ip_hour, HOUR),
        Limit(f"signup:domain:{peppered(used.domain)[:32]}", chosen.signups_per_domain_hour, HOUR),
        Limit(f"signup:form:{used.form}", chosen.signups_per_form_hour, HOUR),
        Limit("signup:all", chosen.signups_per_hour, HOUR),
    ]


def _limits_of_held(used: UsedLimits) -> list[Limit]:
    return [
        Limit(f"held:ip:{used.network}", HELD_PER_NETWORK_DAY, DAY),
        Limit(f"held:form:{used.form}", HELD_PER_FORM_DAY, DAY),
        Limit("held:all", HELD_PER_DAY, DAY),
    ]


def is_first_alarm(published: PublishedForm) -> bool:
    """Whether nobody was told yet, within the hour, that requests through this form are held back (S-034)."""
    return is_within([Limit(f"signup:alarm:{published.form.public_id}", 1, HOUR)])
