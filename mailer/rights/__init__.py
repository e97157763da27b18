"""Rights: what a person may ask for, carried out to the end.

Enters: a person who is to be erased, and who asked for it.
Leaves: a closing receipt for the person, a leaf in the log, a line in the list outside the database.
Always holds: nothing is destroyed before that line is on the disk; whatever a restored backup brings back
is erased again; the proofs of everybody else still verify.
"""

from __future__ import annotations

from mailer.rights.closing import Closing, Numbers, receipt_text, remains
from mailer.rights.erasure import count_for, erase, mail_erasure_link, read_erasure_token, reapply

__all__ = [
    "Closing",
    "Numbers",
    "count_for",
    "erase",
    "mail_erasure_link",
    "read_erasure_token",
    "reapply",
    "receipt_text",
    "remains",
]
