"""Imports: people from other systems, who stay in quarantine until something proves their consent.

Enters: a file of people, what its columns mean, and a file that shows their consents.
Leaves: imported consents with source, date, wording, method and the hash of that file; people who are locked
until they press the button in one permission mail; opt-outs; and each refused row with its reason.
Always holds: nobody is mailed, counted or made a contact from quarantine; an import never lifts an opt-out, a
suppression or an erasure; it goes on where it was when its worker died, and can be undone.
"""

from __future__ import annotations

from mailer.imports.columns import SYSTEMS, TARGET_WORDS, Target
from mailer.imports.csv_reader import ENCODINGS, SEPARATORS
from mailer.imports.dates import DateOrder
from mailer.imports.lifecycle import (
    ColumnMapping,
    Evidence,
    FileGiven,
    ImportStarted,
    advance,
    ask,
    check,
    create_import,
    discard,
    has_work,
    read_otherwise,
    sample_rows,
    start,
    stop_asking,
    undo,
)
from mailer.imports.models import Import, ImportRow
from mailer.imports.permission import (
    PermissionPage,
    RefusalLink,
    contact_id_of_row,
    find_row,
    give_permission,
    is_member_of_row,
    organisation_of_row,
    page_of_row,
    read_permission_token,
    read_refusal_token,
    refuse_permission,
)
from mailer.imports.permission_mails import (
    keep_mail_evidence,
    plan_permission_mails,
    sign_refusal_link,
)
from mailer.imports.queries import (
    Progress,
    RefusedRow,
    count_in,
    get_import,
    iter_refused_csv,
    list_corrected,
    list_imports,
    list_refused,
    progress_of,
    read_evidence,
    subjects_of,
)
from mailer.imports.retention import expire_imports, forget, sweep_files
from mailer.imports.states import REASONS, WORKING, ImportState, Refusal, RowState

__all__ = [
    "ENCODINGS",
    "REASONS",
    "SEPARATORS",
    "SYSTEMS",
    "TARGET_WORDS",
    "WORKING",
    "ColumnMapping",
    "DateOrder",
    "Evidence",
    "FileGiven",
    "Import",
    "ImportRow",
    "ImportStarted",
    "ImportState",
    "PermissionPage",
    "Progress",
    "Refusal",
    "RefusalLink",
    "RefusedRow",
    "RowState",
    "Target",
    "advance",
    "ask",
    "check",
    "contact_id_of_row",
    "count_in",
    "create_import",
    "discard",
    "expire_imports",
    "find_row",
    "forget",
    "get_import",
    "give_permission",
    "has_work",
    "is_member_of_row",
    "iter_refused_csv",
    "keep_mail_evidence",
    "list_corrected",
    "list_imports",
    "list_refused",
    "organisation_of_row",
    "page_of_row",
    "plan_permission_mails",
    "progress_of",
    "read_evidence",
    "read_otherwise",
    "read_permission_token",
    "read_refusal_token",
    "refuse_permission",
    "sample_rows",
    "sign_refusal_link",
    "start",
    "stop_asking",
    "subjects_of",
    "sweep_files",
    "undo",
]
