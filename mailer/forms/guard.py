"""Keeping bombers out: how many requests are taken in an hour, from where and for whom (S-030)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.forms.publishing import PublishedForm
from mailer.foundation.addresses import Address, peppered
from mailer.foundation.context import settings
from mailer.foundation.networks import ip_prefix
from mailer.foundation.throttle import Limit, are_within, is_within

ADDRESS_PER_HOUR = 10
HOUR = 3600

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: through which form, for whom, from where."""

    published: PublishedForm
    address: Address
    ip: str


def admit(askings: Sequence[Asking]) -> list[bool]:
    """Count requests in their order; False for one when a limit is used up: then nothing is queued for it,
    and the public answer is the same (S-030, S-032).
    """
    answers = are_within([_limits(asking) for asking in askings])
    for asking, is_admitted in zip(askings, answers, strict=True):
        if not is_admitted:
            form = asking.published.form.public_id
            log.warning("a request over a limit was not taken", extra={"form": form})
    return answers


def _limits(asking: Asking) -> list[Limit]:
    chosen, address, form = settings(), asking.address, asking.published.form.public_id
    network = peppered(ip_prefix(asking.ip))[:32]
    return [
        Limit(f"signup:address:{address.digest}", ADDRESS_PER_HOUR, HOUR),
        Limit(f"signup:ip:{network}", chosen.signups_per_ip_hour, HOUR),
        Limit(
            f"signup:domain:{peppered(address.domain)[:32]}", chosen.signups_per_domain_hour, HOUR
        ),
        Limit(f"signup:form:{form}", chosen.signups_per_form_hour, HOUR),
        Limit("signup:all", chosen.signups_per_hour, HOUR),
    ]


def is_first_alarm(published: PublishedForm) -> bool:
    """Whether nobody was told yet, within the hour, that requests through this form are held back (S-034)."""
    return is_within([Limit(f"signup:alarm:{published.form.public_id}", 1, HOUR)])
