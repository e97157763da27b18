"""The life of an import and of each of its rows, and why a row is refused. Pure."""

from __future__ import annotations

from enum import StrEnum


class ImportState(StrEnum):
    """Where an import stands."""

    MAPPING = "mapping"  # the file is here; what its columns mean is still to be said
    READING = "reading"  # rows go into quarantine
    CHECKED = "checked"  # the dry run is done
    IMPORTING = "importing"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    EXPIRED = "expired"  # its time is over and what was personal in quarantine is erased


class RowState(StrEnum):
    """Where one row of a file stands."""

    PROVEN = "proven"  # in quarantine, with everything that a proof needs
    UNPROVEN = "unproven"  # in quarantine, without
    OPTED_OUT = "opted_out"  # in quarantine; the file says that they left
    KNOWN = "known"  # subscribed here already: nothing to do
    REFUSED = "refused"
    IMPORTED = "imported"  # subscribed on the strength of the imported consent
    LOCKED = "locked"  # recorded as unknown, not mailed
    ASKED = "asked"  # the one permission mail went out
    CONFIRMED = "confirmed"  # the button behind it was pressed
    DISPUTED = "disputed"  # "this wasn't me"
    SUPPRESSED = "suppressed"  # the opt-out of the file is entered here
    UNDONE = "undone"
    KEPT = "kept"  # left by an undo, for something else had happened since
    EXPIRED = "expired"  # never confirmed; erased


class Refusal(StrEnum):
    """Why a row is refused, kept, or left out."""

    UNREADABLE = "unreadable"
    ENCODING = "encoding"
    NUL = "nul"
    TOO_LONG = "too_long"
    RAGGED = "ragged"
    ADDRESS_MISSING = "address_missing"
    ADDRESS_INVALID = "address_invalid"
    DUPLICATE = "duplicate"
    VALUE = "value"
    DATE = "date"
    UNCONFIRMED = "unconfirmed"
    OPTED_OUT = "opted_out"
    OPTED_OUT_KNOWN = "opted_out_known"
    SUPPRESSED = "suppressed"
    ENDED = "ended"
    ERASED = "erased"
    RESTRICTED = "restricted"
    ASKED_BEFORE = "asked_before"
    TOUCHED = "touched"


WORKING = frozenset({ImportState.READING, ImportState.IMPORTING, ImportState.UNDOING})
QUARANTINED = (RowState.PROVEN, RowState.UNPROVEN, RowState.OPTED_OUT)
UNDOABLE = (RowState.IMPORTED, RowState.LOCKED, RowState.ASKED, RowState.SUPPRESSED)

REASONS: dict[Refusal, str] = {
    Refusal.UNREADABLE: "A quotation mark is not closed, or stands where none may stand.",
    Refusal.ENCODING: "The line is not written in the chosen encoding; another one may fit.",
    Refusal.NUL: "The line holds a NUL character, which no text has.",
    Refusal.TOO_LONG: "The line or one of its fields is longer than any field of a contact may be.",
    Refusal.RAGGED: "The line has more fields than there are columns, or lacks the one with the address.",
    Refusal.ADDRESS_MISSING: "There is no e-mail address.",
    Refusal.ADDRESS_INVALID: "The address is none: it should look like name@example.org.",
    Refusal.DUPLICATE: "The same address stands in the file before, whichever way it is written.",
    Refusal.VALUE: "A value holds characters that cannot be stored, or is too long.",
    Refusal.DATE: "The date of the consent cannot be read, lies in the future, or before 1995.",
    Refusal.UNCONFIRMED: "The file does not say that they are subscribed: unconfirmed, inactive or deleted.",
    Refusal.OPTED_OUT: "The file says that they opted out, bounced or complained.",
    Refusal.OPTED_OUT_KNOWN: "The file says that they opted out, but without a date, or before they gave "
    "a consent that stands here: confirmed here, or given later elsewhere. They are still mailed by it, "
    "and by no other.",
    Refusal.SUPPRESSED: "They stopped our mail, or their mailbox refused it; their page says which.",
    Refusal.ENDED: "They left this list, or left its box unticked, here. Only they can join it again.",
    Refusal.ERASED: "They had themselves erased. Only they can come back, through a form.",
    Refusal.RESTRICTED: "Their data may only be kept at the moment (GDPR Art. 18).",
    Refusal.ASKED_BEFORE: "They were asked for their permission already, by another import.",
    Refusal.TOUCHED: "Kept by the undo: something else happened with this person since.",
}
