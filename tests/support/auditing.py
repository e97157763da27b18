"""An audit from its beginning to its end."""

from __future__ import annotations

from mailer import selfaudit
from mailer.foundation.database import db, unit_of_work
from mailer.selfaudit import Finding


def audit() -> list[Finding]:
    """Run a whole audit; what it found."""
    db.session.rollback()
    with unit_of_work():
        audit_id = selfaudit.begin(selfaudit.BY_HAND)
    state = selfaudit.get_state(audit_id)
    while state.stage is not selfaudit.Stage.DONE:
        seen = selfaudit.examine(state)
        with unit_of_work():
            following = selfaudit.note(state, seen)
        assert following is not None
        state = following
    return selfaudit.list_findings(audit_id)
