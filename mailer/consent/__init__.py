"""Consent: the ledger of what people were asked and what they answered.

Enters: evidence of a request, a confirmation, a refusal, a withdrawal, with the texts shown.
Leaves: records that prove it, and the one question that sending asks: is a given one still standing?
Always holds: nothing is updated or deleted; every record commits to its payload with a salt; what is
personal lies under a key of that person and goes with it, the record stays.
"""

from __future__ import annotations

from mailer.consent.bulk import (
    Keyed,
    SealedAnswers,
    create_subjects,
    keyed_subjects,
    record_answers,
    record_imported_many,
    record_terminated_many,
    seal_answers,
)
from mailer.consent.canonical import canonical_json
from mailer.consent.ledger import (
    find_valid,
    is_standing,
    list_valid,
    record_given,
    record_invalidated,
    record_refused,
    record_requested,
    record_withdrawn,
)
from mailer.consent.models import (
    STANDING_CONSENTS,
    ConsentRecord,
    ConsentSubject,
    ConsentText,
    Notice,
    stands,
)
from mailer.consent.notice_sections import NoticeText, Section
from mailer.consent.notices import (
    compose_notice,
    current_notice,
    get_notice,
    get_notice_by_id,
    get_notice_numbered,
    is_notice_published,
    list_notices,
    publish_notice,
    read_notice,
)
from mailer.consent.origin_words import ORIGIN_WORDS, OriginWords, event_of, how, not_proven, why
from mailer.consent.origins import Origin, Provenance, is_day_only, origins_of, provenance_of
from mailer.consent.reading import TimelineEntry, open_payload, read_payload, timeline
from mailer.consent.rechecking import Rechecked, RecordProblem, recheck_records
from mailer.consent.records import (
    ALGORITHM,
    RECORD_ID,
    SALT_BYTES,
    SUBJECT_ID,
    TRACKING,
    About,
    Evidence,
    commitment,
)
from mailer.consent.states import ALLOWS_SENDING, DPV_TERMS, ConsentState, Matter
from mailer.consent.subjects import (
    LOST_EVIDENCE,
    create_subject,
    erase_subject,
    erase_subjects,
    find_key,
    forget_lost_evidence,
    get_blob,
    get_subject,
    has_lost_evidence,
    list_subjects,
    new_sealed_key,
    put_blob,
    renew_key,
    show_mail,
    sweep_keys,
)
from mailer.consent.texts import get_text, store_text

__all__ = [
    "ALGORITHM",
    "ALLOWS_SENDING",
    "DPV_TERMS",
    "LOST_EVIDENCE",
    "ORIGIN_WORDS",
    "RECORD_ID",
    "SALT_BYTES",
    "STANDING_CONSENTS",
    "SUBJECT_ID",
    "TRACKING",
    "About",
    "ConsentRecord",
    "ConsentState",
    "ConsentSubject",
    "ConsentText",
    "Evidence",
    "Keyed",
    "Matter",
    "Notice",
    "NoticeText",
    "Origin",
    "OriginWords",
    "Provenance",
    "Rechecked",
    "RecordProblem",
    "SealedAnswers",
    "Section",
    "TimelineEntry",
    "canonical_json",
    "commitment",
    "compose_notice",
    "create_subject",
    "create_subjects",
    "current_notice",
    "erase_subject",
    "erase_subjects",
    "event_of",
    "find_key",
    "find_valid",
    "forget_lost_evidence",
    "get_blob",
    "get_notice",
    "get_notice_by_id",
    "get_notice_numbered",
    "get_subject",
    "get_text",
    "has_lost_evidence",
    "how",
    "is_day_only",
    "is_notice_published",
    "is_standing",
    "keyed_subjects",
    "list_notices",
    "list_subjects",
    "list_valid",
    "new_sealed_key",
    "not_proven",
    "open_payload",
    "origins_of",
    "provenance_of",
    "publish_notice",
    "put_blob",
    "read_notice",
    "read_payload",
    "recheck_records",
    "record_answers",
    "record_given",
    "record_imported_many",
    "record_invalidated",
    "record_refused",
    "record_requested",
    "record_terminated_many",
    "record_withdrawn",
    "renew_key",
    "seal_answers",
    "show_mail",
    "stands",
    "store_text",
    "sweep_keys",
    "timeline",
    "why",
]
