"""Which hosts take the mail of a domain, as DNS said (RFC 5321 5.1, RFC 7505)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Names that belong to nobody (RFC 2606); `.test` is for whoever has a DNS of their own.
_RESERVED = frozenset(
    {"example", "invalid", "localhost", "example.com", "example.net", "example.org"}
)


class Finding(StrEnum):
    """What asking about one domain led to."""

    HOSTS = "hosts"  # there are MX records
    NO_HOSTS = "no_hosts"  # there are none: the domain's own host takes its mail, if any
    NO_MAIL = "no_mail"  # a null MX: it takes no mail (RFC 7505)
    NO_DOMAIN = "no_domain"  # NXDOMAIN, or no name that DNS can hold
    FAILED = "failed"  # SERVFAIL, REFUSED, or an answer that says nothing
    SILENT = "silent"  # no answer in time, or no server to ask

    @property
    def is_answer(self) -> bool:
        """Whether the domain's own servers said so; else what was known before still counts."""
        return self not in (Finding.FAILED, Finding.SILENT)


@dataclass(frozen=True, slots=True)
class MailHosts:
    """The MX hosts of one domain in small letters, with their preferences, the best first."""

    finding: Finding
    hosts: tuple[tuple[int, str], ...] = ()

    @property
    def best(self) -> tuple[str, ...]:
        """The hosts that are tried first: all that share the lowest preference."""
        return tuple(host for preference, host in self.hosts if preference == self.hosts[0][0])


def is_reserved(domain: str) -> bool:
    """Whether a domain is one for examples, where no mail can be."""
    labels = domain.rsplit(".", 2)
    return labels[-1] in _RESERVED | {""} or ".".join(labels[-2:]) in _RESERVED
