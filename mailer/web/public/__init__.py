"""Pages of visitors and subscribers; no cookie, no script is needed for any of them."""

from mailer.web.public import (
    clicks,
    confirm,
    erasure,
    log,
    notice,
    organisation,
    permission,
    preferences,
    proof,
    receipts,
    signup,
    unsubscribe,
    verifying,
)

BLUEPRINTS = (
    signup.bp,
    confirm.bp,
    unsubscribe.bp,
    preferences.bp,
    clicks.bp,
    proof.bp,
    erasure.bp,
    notice.bp,
    organisation.bp,
    permission.bp,
    log.bp,
    receipts.bp,
    verifying.bp,
)

__all__ = ["BLUEPRINTS"]
