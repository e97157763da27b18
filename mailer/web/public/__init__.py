"""Pages of visitors and subscribers; no cookie, no script is needed for any of them."""

from mailer.web.public import confirm, log, notice, preferences, signup, unsubscribe

BLUEPRINTS = (signup.bp, confirm.bp, unsubscribe.bp, preferences.bp, notice.bp, log.bp)

__all__ = ["BLUEPRINTS"]
