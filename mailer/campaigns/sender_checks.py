"""What the check list says of the sender: can receivers tell that the mail is theirs (E-040 to E-044)?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mailer.campaigns.models import Campaign
from mailer.organisations import (
    DomainDns,
    DomainKey,
    DomainKeyState,
    RecordFinding,
    dns_record,
    get_organisation_by_id,
    get_sender_by_id,
    list_domain_keys,
    signing_domain,
    why_not_from,
)
from mailer.rendering import RSA

_DEMANDS = (
    "Gmail, Yahoo and Outlook.com demand a signature (DKIM) of the sender’s domain of whoever writes to many, "
    "and refuse or put aside mail without one."
)
_SENDERS_PAGE = "See the sender’s page."


class Level(StrEnum):
    """How much a finding matters."""

    BLOCKING = "blocking"
    WARNING = "warning"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check list: a stable code, a sentence, and what to do about it."""

    level: Level
    code: str
    message: str
    hint: str = ""


def blocking(code: str, message: str, hint: str) -> Finding:
    """A finding that keeps a campaign from being sent."""
    return Finding(Level.BLOCKING, code, message, hint)


def check_sender(campaign: Campaign, domain_dns: DomainDns | None) -> Iterator[Finding]:
    """Whether there is a sender whose domain is theirs, whose mails are signed, and whose DNS says so.

    `domain_dns` is None where DNS was not asked.
    """
    if campaign.sender_id is None:
        yield blocking("sender", "No sender is chosen.", "Choose who the mail comes from.")
        return
    sender = get_sender_by_id(campaign.sender_id)
    if sender.archived_at is not None:
        yield blocking("sender", "The sender has been archived.", "Choose another sender.")
        return
    because = why_not_from(sender.organisation_id, sender.from_address, sender_id=sender.id)
    if because is not None:
        message = f"This mail cannot come from {sender.from_address}."
        yield blocking("sender_domain", message, because)
        return
    domain = signing_domain(sender)
    found = list_domain_keys(get_organisation_by_id(sender.organisation_id), domain)
    keys = [key for key in found if key.state is DomainKeyState.SIGNING]
    asked = domain_dns if domain_dns is not None and domain_dns.domain == domain else None
    if not keys:
        yield _unsigned(domain, asked)
    else:
        yield from _check_keys(domain, keys, asked)
    if asked is not None:
        yield from _check_policies(asked)


def _unsigned(domain: str, asked: DomainDns | None) -> Finding:
    hint = f"{_DEMANDS} Make a key on the sender’s page, unless your relay signs as {domain}."
    if asked is not None and asked.policy in ("quarantine", "reject"):
        hint += f" Your own DMARC policy asks receivers for it: {asked.policy}."
    message = f"The mails leave here unsigned: there is no key for {domain}."
    return Finding(Level.WARNING, "unsigned", message, hint)


def _check_keys(domain: str, keys: list[DomainKey], asked: DomainDns | None) -> Iterator[Finding]:
    signed = f"Every mail is signed by {domain} (DKIM)."
    algorithms = {key.algorithm for key in keys}
    if RSA not in algorithms:
        yield Finding(
            Level.WARNING,
            "ed25519_alone",
            f"{domain} signs with an Ed25519 key alone.",
            "Many receivers cannot check that yet. Make an RSA key as well.",
        )
    if asked is None:
        if RSA in algorithms:
            hint = "DNS was not asked whether the key is published: MAILER_MX_LOOKUP is off."
            yield Finding(Level.WARNING, "signed", signed, hint)
        return
    silent = RecordFinding.SILENT
    said = {key.algorithm: asked.keys.get(dns_record(key).name, silent) for key in keys}
    main = said.get(RSA) or next(iter(said.values()))
    if main in (RecordFinding.MISSING, RecordFinding.OTHER):
        yield blocking(
            "key_not_published",
            f"Receivers cannot check the signature of {domain}: its key is not in the DNS.",
            _told_of(main) + " Publish it as the sender’s page shows, or stop signing there.",
        )
    elif main is silent:
        yield Finding(
            Level.WARNING,
            "dns_silent",
            f"Whether the key of {domain} is published could not be asked: DNS did not answer.",
            "Load this page again in a moment.",
        )
    elif set(said.values()) != {RecordFinding.RIGHT}:
        yield Finding(
            Level.WARNING,
            "second_key_not_published",
            f"The second key of {domain} was not found in the DNS.",
            f"The RSA signature holds. {_SENDERS_PAGE}",
        )
    elif RSA in said:
        hint = "Its key was found in the DNS, and it is the domain that people see as the sender."
        yield Finding(Level.OK, "signed", signed, hint)


def _told_of(finding: RecordFinding) -> str:
    if finding is RecordFinding.OTHER:
        return "Another record stands at its name."
    return "There is no record at its name."


def _check_policies(asked: DomainDns) -> Iterator[Finding]:
    domain = asked.domain
    if asked.spf is RecordFinding.MISSING:
        yield Finding(
            Level.WARNING,
            "spf",
            f"{domain} has no SPF record.",
            "Publish which servers send for it: the operator of your relay knows the line. Gmail, Yahoo and "
            "Outlook.com demand it of whoever writes to many.",
        )
    elif asked.spf is RecordFinding.OTHER:
        yield Finding(
            Level.WARNING,
            "spf",
            f"The SPF record of {domain} lets nobody send, or there are several.",
            "There has to be exactly one, and it has to name the servers of your relay.",
        )
    if asked.dmarc is RecordFinding.MISSING:
        yield Finding(
            Level.WARNING,
            "dmarc",
            f"{domain} has no DMARC policy.",
            f"Publish one at _dmarc.{domain}; “v=DMARC1; p=none” is enough to begin with. Gmail, Yahoo and "
            "Outlook.com demand it of whoever writes to many.",
        )
    if RecordFinding.SILENT in (asked.spf, asked.dmarc):
        yield Finding(
            Level.WARNING,
            "dns_silent_policies",
            f"SPF and DMARC of {domain} could not be asked: DNS did not answer.",
            "Load this page again in a moment.",
        )
    if asked.spf is asked.dmarc is RecordFinding.RIGHT:
        message = f"SPF and DMARC are published for {domain}."
        yield Finding(Level.OK, "policies", message)
