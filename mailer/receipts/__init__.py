"""Receipts: what a person agreed to, as a signed copy of their own that anybody can check.

Enters: the ledger's records on one person and one list, and the facts of the organisation. Leaves: consent
records and receipts as JSON-LD in the words of DPV 2.3 (ISO/IEC TS 27560), a Kantara export, and the answer
whether a receipt is genuine and still stands. Always holds: no document names the person but by a pseudonym;
nothing is stored; what is shown is what is signed.
"""

from __future__ import annotations

from mailer.receipts.indications import given_at, provenance_in
from mailer.receipts.issuing import compose_record, issue
from mailer.receipts.kantara import export_kantara
from mailer.receipts.letter import plan_receipt_mail
from mailer.receipts.readable import Line, Part, tell, word_of
from mailer.receipts.reading import LARGEST, read_receipt
from mailer.receipts.sealing import (
    Verdict,
    attachment_of,
    check_document,
    file_of,
    published_keys,
    sign_document,
)
from mailer.receipts.standing import DocumentKind, LogFinding, Standing, Verification, verify
from mailer.receipts.threads import (
    TRACKING_TOPIC,
    Thread,
    Topic,
    get_thread,
    list_threads,
    read_link,
    sign_link,
)
from mailer.receipts.vocabulary import OWN_TERMS

__all__ = [
    "LARGEST",
    "OWN_TERMS",
    "TRACKING_TOPIC",
    "DocumentKind",
    "Line",
    "LogFinding",
    "Part",
    "Standing",
    "Thread",
    "Topic",
    "Verdict",
    "Verification",
    "attachment_of",
    "check_document",
    "compose_record",
    "export_kantara",
    "file_of",
    "get_thread",
    "given_at",
    "issue",
    "list_threads",
    "plan_receipt_mail",
    "provenance_in",
    "published_keys",
    "read_link",
    "read_receipt",
    "sign_document",
    "sign_link",
    "tell",
    "verify",
    "word_of",
]
