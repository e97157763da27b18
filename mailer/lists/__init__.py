"""Purposes and mailing lists.

In: why an organisation processes addresses, and what one can join. Out: purposes with lawful basis
and retention, lists with their public names and List-Id. Always: every list serves exactly one
purpose, whose lawful basis is consent; what is archived stays on record.
"""

from mailer.lists.catalogue import (
    archive_list,
    change_list,
    create_list,
    get_list,
    get_list_by_id,
    list_lists,
    list_lists_of_sender,
)
from mailer.lists.drafts import (
    LANGUAGES,
    RETENTION_LIMITS,
    ListDraft,
    PurposeDraft,
    read_list_draft,
    read_purpose_draft,
)
from mailer.lists.labels import list_id_header
from mailer.lists.models import LawfulBasis, MailingList, Purpose
from mailer.lists.purposes import (
    archive_purpose,
    change_purpose,
    create_purpose,
    get_purpose,
    list_purposes,
)

__all__ = [
    "LANGUAGES",
    "RETENTION_LIMITS",
    "LawfulBasis",
    "ListDraft",
    "MailingList",
    "Purpose",
    "PurposeDraft",
    "archive_list",
    "archive_purpose",
    "change_list",
    "change_purpose",
    "create_list",
    "create_purpose",
    "get_list",
    "get_list_by_id",
    "get_purpose",
    "list_id_header",
    "list_lists",
    "list_lists_of_sender",
    "list_purposes",
    "read_list_draft",
    "read_purpose_draft",
]
