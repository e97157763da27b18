"""Leg (b) of the proof: the confirmation mail as it left, and what the next server said (C-042)."""

from __future__ import annotations

import sqlalchemy as sa

from mailer import consent, transactional
from mailer.foundation.database import db
from mailer.signup.models import SignupRequest
from mailer.transactional import TransactionalMessage
from mailer.transport import Outcome


def keep_mail_evidence(message: TransactionalMessage, body: bytes, outcome: Outcome) -> None:
    """Keep the bytes of a confirmation mail under the person's key, with the SMTP reply.

    Called in the transaction that settles the mail. An answer that is no final one leaves no trace here.
    """
    if not transactional.is_final(outcome):
        return
    request = db.session.scalar(
        sa.select(SignupRequest).where(SignupRequest.public_id == message.reference)
    )
    if request is None or request.address is None:
        return
    consent.put_blob(consent.get_subject(request.subject_id), body, "message/rfc822")
    request.mail_evidence = transactional.mail_evidence(message, outcome, body)
    db.session.flush()
