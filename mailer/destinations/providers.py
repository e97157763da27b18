"""Who hosts a domain's mail, told by the name of its best MX host. Pure.

Only names that the providers publish for their customers are here. A host that is not known by name tells
nothing: many domains share a registrar's or a data centre's names without sharing a mail server.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Provider(NamedTuple):
    """A group of mail servers with one pace: its name in limits and rows, its name for people, its hosts."""

    name: str
    title: str
    hosts: str  # endings of MX hosts, as published in the provider's set-up pages


PROVIDERS = (
    Provider("apple", "Apple iCloud", "mail.icloud.com"),
    Provider("barracuda", "Barracuda", "ess.barracudanetworks.com"),
    Provider("cisco", "Cisco Secure Email", "iphmx.com"),
    Provider("cloudflare", "Cloudflare Email Routing", "mx.cloudflare.net"),
    Provider("fastmail", "Fastmail", "messagingengine.com"),
    Provider("gandi", "Gandi", "mail.gandi.net"),
    Provider("gmx", "GMX, WEB.DE and mail.com", "gmx.net web.de mx00.mail.com mx01.mail.com"),
    Provider("godaddy", "GoDaddy", "smtp.secureserver.net mailstore1.secureserver.net"),
    Provider("google", "Google", "google.com googlemail.com"),
    Provider("hornetsecurity", "Hornetsecurity", "hornetsecurity.com antispameurope.com"),
    Provider("infomaniak", "Infomaniak", "mta-gw.infomaniak.ch"),
    Provider(
        "ionos",
        "IONOS",
        "mx00.ionos.com mx01.ionos.com mx00.ionos.de mx01.ionos.de mx00.ionos.co.uk mx01.ionos.co.uk "
        "mx00.ionos.fr mx01.ionos.fr mx00.ionos.es mx01.ionos.es mx00.ionos.it mx01.ionos.it "
        "mx00.kundenserver.de mx01.kundenserver.de mx00.1and1.com mx01.1and1.com mx00.1and1.co.uk "
        "mx01.1and1.co.uk mx00.1and1.fr mx01.1and1.fr mx00.perfora.net mx01.perfora.net",
    ),
    Provider("libero", "Libero", "libero.it virgilio.it iol.it"),
    Provider("mailboxorg", "mailbox.org", "mailbox.org"),
    Provider("mailru", "Mail.ru", "mxs.mail.ru emx.mail.ru"),
    Provider("messagelabs", "Symantec Email Security.cloud", "messagelabs.com"),
    Provider("microsoft", "Microsoft", "protection.outlook.com mx.microsoft"),
    Provider("migadu", "Migadu", "migadu.com"),
    Provider("mimecast", "Mimecast", "mimecast.com mimecast.co.za"),
    Provider("namecheap", "Namecheap Private Email", "privateemail.com"),
    Provider("orange", "Orange", "orange.fr wanadoo.fr"),
    Provider("ovh", "OVHcloud", "mail.ovh.net mail.ovh.ca"),
    Provider("posteo", "Posteo", "posteo.de"),
    Provider("proofpoint", "Proofpoint", "pphosted.com ppe-hosted.com"),
    Provider("proton", "Proton", "protonmail.ch"),
    Provider("rackspace", "Rackspace", "emailsrvr.com"),
    Provider("seznam", "Seznam", "seznam.cz"),
    Provider("strato", "STRATO", "smtpin.rzone.de"),
    Provider("telekom", "Telekom", "t-online.de"),
    Provider("titan", "Titan", "titan.email"),
    Provider("tuta", "Tuta", "tutanota.de"),
    Provider("yahoo", "Yahoo", "yahoodns.net"),
    Provider("yandex", "Yandex", "mx.yandex.net mx.yandex.ru mx.yandex.com"),
    Provider(
        "zoho",
        "Zoho",
        "zoho.com zoho.eu zoho.in zoho.com.au zoho.jp zohocloud.ca zohomail.com",
    ),
)
_TITLES = {one.name: one.title for one in PROVIDERS}
_ENDINGS = {ending: one.name for one in PROVIDERS for ending in one.hosts.split()}


def provider_of(best_hosts: Iterable[str]) -> str | None:
    """The name of the provider that all of `best_hosts` belong to; None where they tell of none or of two."""
    names = {_named_by(host.lower()) for host in best_hosts}
    return names.pop() if len(names) == 1 else None


def title_of(name: str) -> str:
    """A provider's name for people; a destination that is no provider is its own."""
    return _TITLES.get(name, name)


def _named_by(host: str) -> str | None:
    labels = host.split(".")
    endings = (".".join(labels[start:]) for start in range(len(labels)))
    return next((_ENDINGS[one] for one in endings if one in _ENDINGS), None)
