"""Forms: asking people in words that can be shown again, and reading what they answer.

Enters: what an editor writes, and what a visitor types.
Leaves: frozen versions, stored under the hash of their text, and typed answers.
Always holds: a version never changes; none is published with an empty slot or a ticked box; an answer
counts only for the version it was given to; limits keep one from mailing strangers through a form.
"""

from __future__ import annotations

from mailer.forms.answers import (
    HONEYPOT,
    LONGEST_KEPT,
    MeantAddress,
    SignupAnswers,
    is_robot,
    kept_answers,
    read_answers,
)
from mailer.forms.definitions import (
    BUILT_IN_FIELDS,
    MOST_OWN_FIELDS,
    SLOTS,
    TRACKING_KEY,
    Control,
    Disclosure,
    Field,
    FormDefinition,
)
from mailer.forms.drafting import (
    FormDraft,
    archive_form,
    change_form,
    close_form,
    create_form,
    get_form,
    list_forms,
    open_form,
)
from mailer.forms.guard import Admission, Asking, UsedLimits, admit, free, is_first_alarm
from mailer.forms.missing import Missing, missing_for_publication
from mailer.forms.models import Form, FormVersion
from mailer.forms.origins import is_allowed, origin_of, parse_origin, parse_origins
from mailer.forms.prefill import control_for, definition_for, disclosure_for, tracking_control
from mailer.forms.publishing import (
    OfferedControl,
    PublishedForm,
    changes_between,
    find_newest_version,
    find_published,
    frozen_lines,
    get_version,
    get_version_by_id,
    has_unpublished_changes,
    list_open,
    list_versions,
    publish,
    read_version,
)
from mailer.forms.shown import Embed, Showing, Standing, read_showing, sign_showing

__all__ = [
    "BUILT_IN_FIELDS",
    "HONEYPOT",
    "LONGEST_KEPT",
    "MOST_OWN_FIELDS",
    "SLOTS",
    "TRACKING_KEY",
    "Admission",
    "Asking",
    "Control",
    "Disclosure",
    "Embed",
    "Field",
    "Form",
    "FormDefinition",
    "FormDraft",
    "FormVersion",
    "MeantAddress",
    "Missing",
    "OfferedControl",
    "PublishedForm",
    "Showing",
    "SignupAnswers",
    "Standing",
    "UsedLimits",
    "admit",
    "archive_form",
    "change_form",
    "changes_between",
    "close_form",
    "control_for",
    "create_form",
    "definition_for",
    "disclosure_for",
    "find_newest_version",
    "find_published",
    "free",
    "frozen_lines",
    "get_form",
    "get_version",
    "get_version_by_id",
    "has_unpublished_changes",
    "is_allowed",
    "is_first_alarm",
    "is_robot",
    "kept_answers",
    "list_forms",
    "list_open",
    "list_versions",
    "missing_for_publication",
    "open_form",
    "origin_of",
    "parse_origin",
    "parse_origins",
    "publish",
    "read_answers",
    "read_showing",
    "read_version",
    "sign_showing",
    "tracking_control",
]
