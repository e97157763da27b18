"""Asking DNS which hosts take the mail of a domain (MX: RFC 5321 5.1, RFC 7505), and for texts at a name.

Many names are asked about at once, each for two seconds at most. Only domains are asked about, never
addresses. Nothing here raises for what DNS says or does not say: it is all an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from mailer.foundation import context
from mailer.foundation.context import settings
from mailer.foundation.mail_hosts import Finding, MailHosts

TRY_SECONDS = 0.9  # for one server, then the next one or the same again
ALL_SECONDS = 2.0  # for one domain
UDP_OCTETS = 1232  # what passes everywhere in one piece; longer answers come over TCP
KEPT_SECONDS, RETRY_SECONDS = 20.0, 5.0  # that texts are kept, and that there were none
MOST_KEPT = 5_000
MOST_HOSTS = 20  # of one domain that are kept
_Answer = TypeVar("_Answer")
_NO_NAMES = (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape)


def look_up(domains: Iterable[str]) -> Mapping[str, MailHosts]:
    """Ask for the MX records of `domains` (A-labels), all at once; takes about ALL_SECONDS at most.

    Asks MAILER_DNS_SERVERS, or the servers of this machine. Call it with no transaction open.
    """
    return asyncio.run(_look_up_all(list(domains), _look_up, MailHosts(Finding.SILENT)))


def look_up_texts(
    names: Iterable[str], *, anew: bool = False
) -> Mapping[str, tuple[str, ...] | None]:
    """Ask for the TXT records at `names` (A-labels), all at once: the texts; None where nothing was told.

    No records are an answer, too. What was told is kept for a few seconds by each process, unless it is to be
    asked `anew`. Takes about ALL_SECONDS at most; call it with no transaction open.
    """
    kept: dict[str, tuple[float, tuple[str, ...] | None]]
    kept = context.extensions().setdefault("mailer.dns_lookup", {})
    moment, wanted = time.monotonic(), list(dict.fromkeys(names))
    unknown = [name for name in wanted if anew or name not in kept or kept[name][0] < moment]
    if unknown:
        told = asyncio.run(_look_up_all(unknown, _look_up_text, None))
        if len(kept) >= MOST_KEPT:
            kept = {name: kept[name] for name in wanted if name not in told}
            context.extensions()["mailer.dns_lookup"] = kept
        for name, texts in told.items():
            kept[name] = (moment + (KEPT_SECONDS if texts else RETRY_SECONDS), texts)
    return {name: kept[name][1] for name in wanted}


async def _look_up_all(
    names: list[str],
    look_up_one: Callable[[dns.asyncresolver.Resolver, str], Awaitable[_Answer]],
    silence: _Answer,
) -> dict[str, _Answer]:
    try:
        resolver = _resolver()
    except (dns.resolver.NoResolverConfiguration, OSError):
        return dict.fromkeys(names, silence)
    answers = await asyncio.gather(*(look_up_one(resolver, name) for name in names))
    return dict(zip(names, answers, strict=True))


async def _look_up_text(resolver: dns.asyncresolver.Resolver, name: str) -> tuple[str, ...] | None:
    try:
        answer = await resolver.resolve(dns.name.from_text(name), dns.rdatatype.TXT)
    except dns.resolver.NoAnswer as none:
        return () if _is_final(none.kwargs["response"]) else None
    except (dns.resolver.NXDOMAIN, *_NO_NAMES):
        return ()
    except (dns.exception.DNSException, OSError, ValueError, EOFError):
        return None
    return tuple(b"".join(one.strings).decode("utf-8", "replace") for one in answer)


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
