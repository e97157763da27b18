"""Pages of visitors and subscribers; no cookie, no script is needed for any of them."""

from mailer.web.public import confirm, notice, preferences, signup, unsubscribe

BLUEPRINTS = (signup.bp, confirm.bp, unsubscribe.bp, preferences.bp, notice.bp)

__all__ = ["BLUEPRINTS"]
