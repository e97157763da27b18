"""The controllers: who asks, who answers, whose lists these are.

In: the facts the law wants said about an organisation, and the identities it sends as. Out: those
facts, checked, and the lines of its imprint. Always: everything else in the house belongs to exactly
one organisation, and a fact that is missing is named in plain words.
"""

from mailer.organisations.catalogue import (
    change_organisation,
    create_organisation,
    get_organisation,
    get_organisation_by_id,
    list_organisations,
)
from mailer.organisations.countries import COUNTRIES, country_name
from mailer.organisations.identity import (
    Identity,
    identity_of,
    imprint_lines,
    missing_identity,
    read_identity,
    time_zones,
)
from mailer.organisations.models import Organisation, Sender
from mailer.organisations.senders import (
    archive_sender,
    change_sender,
    create_sender,
    get_sender,
    get_sender_by_id,
    list_senders,
)

__all__ = [
    "COUNTRIES",
    "Identity",
    "Organisation",
    "Sender",
    "archive_sender",
    "change_organisation",
    "change_sender",
    "country_name",
    "create_organisation",
    "create_sender",
    "get_organisation",
    "get_organisation_by_id",
    "get_sender",
    "get_sender_by_id",
    "identity_of",
    "imprint_lines",
    "list_organisations",
    "list_senders",
    "missing_identity",
    "read_identity",
    "time_zones",
]
