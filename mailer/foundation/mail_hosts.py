"""Which hosts take the mail of a domain: its MX records, asked of DNS (RFC 5321 5.1, RFC 7505).

Many domains are asked about at once, each for two seconds at most. Only domains are asked about, never
addresses. Nothing here raises for what DNS says or does not say: it is all an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from mailer.foundation.context import settings

TRY_SECONDS = 0.9  # for one server, then the next one or the same again
ALL_SECONDS = 2.0  # for one domain
UDP_OCTETS = 1232  # what passes everywhere in one piece; longer answers come over TCP
MOST_HOSTS = 20  # of one domain that are kept
# Names that belong to nobody (RFC 2606); `.test` is for whoever has a DNS of their own.
_RESERVED = frozenset(
    {"example", "invalid", "localhost", "example.com", "example.net", "example.org"}
)
_NO_NAMES = (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape)


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


def look_up(domains: Iterable[str]) -> Mapping[str, MailHosts]:
    """Ask for the MX records of `domains` (A-labels), all at once; takes about ALL_SECONDS at most.

    Asks MAILER_DNS_SERVERS, or the servers of this machine. Call it with no transaction open.
    """
    return asyncio.run(_look_up_all(list(domains)))


async def _look_up_all(domains: list[str]) -> dict[str, MailHosts]:
    try:
        resolver = _resolver()
    except (dns.resolver.NoResolverConfiguration, OSError):
        return dict.fromkeys(domains, MailHosts(Finding.SILENT))
    answers = await asyncio.gather(*(_look_up(resolver, domain) for domain in domains))
    return dict(zip(domains, answers, strict=True))


def _resolver() -> dns.asyncresolver.Resolver:
    servers = settings().dns_servers
    resolver = dns.asyncresolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in servers]
    resolver.timeout, resolver.lifetime = TRY_SECONDS, ALL_SECONDS
    resolver.use_edns(0, 0, UDP_OCTETS)
    return resolver


async def _look_up(resolver: dns.asyncresolver.Resolver, domain: str) -> MailHosts:
    try:
        name = dns.name.from_text(domain)  # absolute, so that no search list is tried
        answer = await resolver.resolve(name, dns.rdatatype.MX)
    except dns.resolver.NoAnswer as none:
        return MailHosts(Finding.NO_HOSTS if _is_final(none.kwargs["response"]) else Finding.FAILED)
    except (dns.resolver.NXDOMAIN, *_NO_NAMES):
        return MailHosts(Finding.NO_DOMAIN)
    except (dns.exception.Timeout, OSError):
        return MailHosts(Finding.SILENT)
    except dns.resolver.NoNameservers as none:
        return MailHosts(Finding.SILENT if _is_silence(none) else Finding.FAILED)
    except (dns.exception.DNSException, ValueError, EOFError):
        return MailHosts(Finding.FAILED)
    return _hosts_of(answer)


def _hosts_of(answer: dns.resolver.Answer) -> MailHosts:
    found = sorted((one.preference, one.exchange.to_text(True).lower()) for one in answer)
    hosts = tuple(one for one in found if one[1] not in (".", "@", ""))
    if not hosts:
        return MailHosts(Finding.NO_MAIL)
    return MailHosts(Finding.HOSTS, hosts[:MOST_HOSTS])


def _is_final(response: dns.message.Message) -> bool:
    """Whether an empty answer says that there is nothing, and does not only point elsewhere (RFC 2308)."""
    kinds = {one.rdtype for one in response.authority}
    if dns.rdatatype.SOA in kinds or response.flags & dns.flags.AA:
        return True
    return bool(response.flags & dns.flags.RA) and dns.rdatatype.NS not in kinds


def _is_silence(none: dns.resolver.NoNameservers) -> bool:
    """Whether no server could be reached at all."""
    return all(isinstance(error[3], OSError) for error in none.kwargs.get("errors", ()))
