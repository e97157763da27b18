"""Signup: a request to join, waiting for its confirmation.

Enters: a submitted form.
Leaves: a confirmation mail, and once its button is pressed a contact, proofs and memberships.
Always holds: only the press of the button confirms; confirming twice is confirming once; the public
answer does not betray whether an address is known; what is never confirmed is erased.
"""

from __future__ import annotations

from mailer.signup.confirmation import (
    HUMAN_SECONDS,
    Confirmed,
    ConfirmingAct,
    PageShown,
    bring_mail_along,
    confirm,
    page_of_request,
    read_confirm_token,
    standing,
)
from mailer.signup.confirmation_mail import keep_mail_evidence
from mailer.signup.disputing import DisputeLink, dispute, read_dispute_token, sign_dispute_link
from mailer.signup.held_requests import (
    HeldGroup,
    count_held,
    erase_held,
    list_held,
    release_held,
)
from mailer.signup.models import RequestState, SignupChoice, SignupRequest
from mailer.signup.queries import (
    PendingRequest,
    find_request,
    find_used_limits,
    form_url,
    list_pending,
    subjects_of,
)
from mailer.signup.retention import count_waiting, erase_waiting, expire_unconfirmed, forget
from mailer.signup.submission import (
    Control,
    ReadyRequest,
    Submission,
    prepare,
    request,
    request_again,
    request_many,
)

__all__ = [
    "HUMAN_SECONDS",
    "Confirmed",
    "ConfirmingAct",
    "Control",
    "DisputeLink",
    "HeldGroup",
    "PageShown",
    "PendingRequest",
    "ReadyRequest",
    "RequestState",
    "SignupChoice",
    "SignupRequest",
    "Submission",
    "bring_mail_along",
    "confirm",
    "count_held",
    "count_waiting",
    "dispute",
    "erase_held",
    "erase_waiting",
    "expire_unconfirmed",
    "find_request",
    "find_used_limits",
    "forget",
    "form_url",
    "keep_mail_evidence",
    "list_held",
    "list_pending",
    "page_of_request",
    "prepare",
    "read_confirm_token",
    "read_dispute_token",
    "release_held",
    "request",
    "request_again",
    "request_many",
    "sign_dispute_link",
    "standing",
    "subjects_of",
]
