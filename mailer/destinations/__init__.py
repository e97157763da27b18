"""Destinations: who takes the mail of a domain, and how fast mail may go there.

Enters: limits that a team sets, what DNS says of people's domains, and a destination's wish to be left alone.
Leaves: the provider behind a domain, the limits, and which destinations rest until when.
Always holds: a domain of a provider stands for the provider; a look-up that fails takes no answer away.
"""

from __future__ import annotations

from mailer.destinations.blocked import back_off, list_blocked
from mailer.destinations.hosting import (
    Hosting,
    domain_of,
    find_hosting,
    has_domains_due,
    note_domains,
    note_hosts,
    take_domains,
)
from mailer.destinations.hosting import is_on as is_mx_lookup_on
from mailer.destinations.limits import (
    LimitDraft,
    list_all_limits,
    list_limits,
    rate_of,
    remove_limit,
    set_limit,
)
from mailer.destinations.models import LimitKind, MailDomain, ProviderDomain, SendingLimit
from mailer.destinations.providers import PROVIDERS
from mailer.destinations.providers import title_of as provider_title

__all__ = [
    "PROVIDERS",
    "Hosting",
    "LimitDraft",
    "LimitKind",
    "MailDomain",
    "ProviderDomain",
    "SendingLimit",
    "back_off",
    "domain_of",
    "find_hosting",
    "has_domains_due",
    "is_mx_lookup_on",
    "list_all_limits",
    "list_blocked",
    "list_limits",
    "note_domains",
    "note_hosts",
    "provider_title",
    "rate_of",
    "remove_limit",
    "set_limit",
    "take_domains",
]
