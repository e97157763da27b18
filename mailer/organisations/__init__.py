"""The controllers: who asks, who answers, whose lists these are.

In: the facts the law wants said about an organisation, and the identities it sends as. Out: those
facts, checked, and the lines of its imprint. Always: everything else in the house belongs to exactly
one organisation, and a fact that is missing is named in plain words.
"""

from mailer.organisations.catalogue import (
    change_organisation,
    create_organisation,
    find_only_organisation,
    find_organisation_id,
    get_organisation,
    get_organisation_by_id,
    list_organisations,
    note_address_source,
)
from mailer.organisations.countries import COUNTRIES, country_name
from mailer.organisations.domain_dns import (
    DnsQuestion,
    DomainDns,
    RecordFinding,
    dns_question,
    read_dns,
    use_published_keys,
)
from mailer.organisations.domain_keys import (
    DnsRecord,
    begin_signing,
    discard_domain_keys,
    dns_record,
    list_domain_keys,
    make_domain_keys,
    signers_for,
    signing_domain,
    stop_signing,
)
from mailer.organisations.identity import (
    NOBODY,
    Identity,
    identity_of,
    imprint_lines,
    missing_identity,
    page_url,
    read_identity,
    time_zones,
    told_recipients,
    told_transfers,
)
from mailer.organisations.models import DomainKey, Organisation, Sender
from mailer.organisations.senders import (
    archive_sender,
    change_sender,
    create_sender,
    get_sender,
    get_sender_by_id,
    list_senders,
)
from mailer.organisations.sending_domains import why_not_from
from mailer.organisations.states import DomainKeyState

__all__ = [
    "COUNTRIES",
    "NOBODY",
    "DnsQuestion",
    "DnsRecord",
    "DomainDns",
    "DomainKey",
    "DomainKeyState",
    "Identity",
    "Organisation",
    "RecordFinding",
    "Sender",
    "archive_sender",
    "begin_signing",
    "change_organisation",
    "change_sender",
    "country_name",
    "create_organisation",
    "create_sender",
    "discard_domain_keys",
    "dns_question",
    "dns_record",
    "find_only_organisation",
    "find_organisation_id",
    "get_organisation",
    "get_organisation_by_id",
    "get_sender",
    "get_sender_by_id",
    "identity_of",
    "imprint_lines",
    "list_domain_keys",
    "list_organisations",
    "list_senders",
    "make_domain_keys",
    "missing_identity",
    "note_address_source",
    "page_url",
    "read_dns",
    "read_identity",
    "signers_for",
    "signing_domain",
    "stop_signing",
    "time_zones",
    "told_recipients",
    "told_transfers",
    "use_published_keys",
    "why_not_from",
]
