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
    confirm,
    page_of_request,
    read_confirm_token,
    standing,
)
from mailer.signup.disputing import DisputeLink, dispute, read_dispute_token, sign_dispute_link
from mailer.signup.expiry import count_waiting, erase_waiting, expire_unconfirmed
from mailer.signup.forgetting import forget
from mailer.signup.holding import (
    HeldGroup,
    count_held,
    erase_held,
    list_held,
    release_held,
)
from mailer.signup.intake import (
    Control,
    ReadyRequest,
    Submission,
    prepare,
    request,
    request_again,
    request_many,
)
from mailer.signup.mail_evidence import keep_mail_evidence
from mailer.signup.models import SignupChoice, SignupRequest
from mailer.signup.queries import (
    PendingRequest,
    find_request,
    find_used_limits,
    form_url,
    list_pending,
    subjects_of,
)
from mailer.signup.states import RequestState

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
