"""What the DNS of a sender's domain says of its mails: the keys that sign, SPF and DMARC (E-040 to E-044).

Doors ask, with no transaction open (`foundation.dns_lookup`); here stands what to ask and how to read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid
from mailer.organisations.catalogue import get_organisation_by_id
from mailer.organisations.domain_keys import (
    begin_signing,
    dns_record,
    list_domain_keys,
    signing_domain,
)
from mailer.organisations.models import Organisation, Sender
from mailer.organisations.states import DomainKeyState

GOOD_SECONDS, BAD_SECONDS = (
    60.0,
    5.0,
)  # how long an answer is kept; what may be mended is asked again soon
MOST_KEPT = 1_000
MOST_STEPS = 8  # of the way up from a domain to the top, in search of a policy (RFC 9989, 4.10)
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.DOTALL)


class RecordFinding(StrEnum):
    """What DNS said of one record."""

    RIGHT = "right"
    MISSING = "missing"
    OTHER = "other"  # there is one, and it is not as it has to be
    SILENT = "silent"  # nothing was told: no answer in time, or an error


_WHY_NOT = {
    RecordFinding.MISSING: "There is no TXT record at {name} yet. Nothing was changed. New records can take "
    "an hour to be seen everywhere; try again then.",
    RecordFinding.OTHER: "The TXT record at {name} is not the one shown here. Nothing was changed. Compare "
    "the two, for a part may be cut off.",
    RecordFinding.SILENT: "DNS did not answer when we asked for {name}. Nothing was changed. Try again in a "
    "moment.",
}


@dataclass(frozen=True, slots=True)
class DomainDns:
    """What DNS said of a domain (A-labels); `keys` by the name of their record.

    `policy` is what DMARC has receivers do with mail that fails: none, quarantine or reject; empty
    when there is no policy.
    """

    domain: str
    keys: Mapping[str, RecordFinding]
    spf: RecordFinding
    dmarc: RecordFinding
    policy: str = ""


@dataclass(frozen=True, slots=True)
class DnsQuestion:
    """What to ask DNS about a domain: texts at `names`. `records` are those of our keys, by name."""

    domain: str
    records: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        return [self.domain, *_policy_places(self.domain), *self.records]


def dns_question(sender: Sender) -> DnsQuestion | None:
    """What to ask about a sender's domain and the keys that sign or wait; None where look-ups are off."""
    if settings().mx_lookup != "on":
        return None
    domain = signing_domain(sender)
    records = [
        dns_record(key)
        for key in list_domain_keys(get_organisation_by_id(sender.organisation_id), domain)
        if key.state in (DomainKeyState.SIGNING, DomainKeyState.WAITING)
    ]
    return DnsQuestion(domain, {record.name: record.value for record in records})


def read_dns(question: DnsQuestion, texts: Mapping[str, Sequence[str] | None]) -> DomainDns:
    """What the answers mean: texts by name, None where DNS told nothing."""
    dmarc, policy = _dmarc([texts[place] for place in _policy_places(question.domain)])
    return DomainDns(
        domain=question.domain,
        keys={name: _key(texts[name], value) for name, value in question.records.items()},
        spf=_spf(texts[question.domain]),
        dmarc=dmarc,
        policy=policy,
    )


def use_published_keys(
    organisation: Organisation, domain: str, domain_dns: DomainDns | None
) -> None:
    """Sign with the waiting keys from now on, as DNS has them; None where DNS cannot be asked at all.

    Raises Invalid when DNS has them not, or did not answer; NotAllowed when none waits.
    """
    for key in list_domain_keys(organisation, domain) if domain_dns is not None else ():
        if key.state is DomainKeyState.WAITING:
            name = dns_record(key).name
            finding = (domain_dns.keys if domain_dns else {}).get(name, RecordFinding.SILENT)
            if finding is not RecordFinding.RIGHT:
                raise Invalid(_WHY_NOT[finding].format(name=name))
    begin_signing(organisation, domain)


def _policy_places(domain: str) -> list[str]:
    """Where a policy for the domain may stand: at itself, then upwards (RFC 9989, 4.10)."""
    labels = domain.split(".")
    above = range(max(1, len(labels) - MOST_STEPS + 1), len(labels))
    return [f"_dmarc.{domain}", *(f"_dmarc.{'.'.join(labels[at:])}" for at in above)]


def _key(texts: Sequence[str] | None, wanted: str) -> RecordFinding:
    """Whether one of the texts publishes our key, with a kind and version that fit (RFC 6376, 3.6.1)."""
    if texts is None:
        return RecordFinding.SILENT
    ours = _tags(wanted)
    for text in texts:
        tags = _tags(text)
        if (
            "".join(tags.get("p", "").split()) == ours["p"]
            and tags.get("k", "rsa") == ours["k"]
            and tags.get("v", "DKIM1") == "DKIM1"
        ):
            return RecordFinding.RIGHT
    return RecordFinding.OTHER if texts else RecordFinding.MISSING


def _spf(texts: Sequence[str] | None) -> RecordFinding:
    """Whether there is exactly one SPF record, and it lets anybody send at all (RFC 7208, 4.5)."""
    if texts is None:
        return RecordFinding.SILENT
    found = [
        text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")
    ]
    if not found:
        return RecordFinding.MISSING
    terms = [one.lower().lstrip("+") for one in found[0].split()[1:]]
    allows = any(one[0] not in "-~?" or one[1:] != "all" for one in terms)
    return RecordFinding.RIGHT if len(found) == 1 and allows else RecordFinding.OTHER


def _dmarc(answers: Sequence[Sequence[str] | None]) -> tuple[RecordFinding, str]:
    """The policy that holds for the first of the places, which is the domain's own (RFC 9989, 4.7)."""
    for at, texts in enumerate(answers):
        if texts is None:
            return RecordFinding.SILENT, ""
        found = [text for text in texts if re.match(r"v=DMARC1\s*(;|$)", text)]
        if len(found) != 1:
            continue
        tags = _tags(found[0])
        policy = tags.get("p", "none").lower()
        if at:
            policy = tags.get("sp", policy).lower()
        return RecordFinding.RIGHT, policy if policy in ("quarantine", "reject") else "none"
    return RecordFinding.MISSING, ""


def _tags(text: str) -> dict[str, str]:
    """The tags of a record such as `v=DKIM1; k=rsa; p=…`, the first of each name."""
    tags: dict[str, str] = {}
    for part in text.split(";"):
        found = _TAG.fullmatch(part)
        if found is not None:
            tags.setdefault(found[1], found[2])
    return tags
