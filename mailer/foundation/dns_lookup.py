"""Asking DNS which hosts take the mail of a domain: its MX records (RFC 5321 5.1, RFC 7505).

Many domains are asked about at once, each for two seconds at most. Only domains are asked about, never
addresses. Nothing here raises for what DNS says or does not say: it is all an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from mailer.foundation.context import settings
from mailer.foundation.mail_hosts import Finding, MailHosts

TRY_SECONDS = 0.9  # for one server, then the next one or the same again
ALL_SECONDS = 2.0  # for one domain
UDP_OCTETS = 1232  # what passes everywhere in one piece; longer answers come over TCP
MOST_HOSTS = 20  # of one domain that are kept
_NO_NAMES = (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape)


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
