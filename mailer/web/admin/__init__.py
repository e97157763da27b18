"""Pages of the marketers' side, all behind a sign-in."""

from mailer.web.admin import (
    account,
    auth,
    campaigns,
    campaigns_edit,
    campaigns_run,
    erasing,
    forms,
    imports,
    imports_run,
    lists,
    overview,
    people,
    proof,
    proving,
    purposes,
    receipts,
    sender_keys,
    senders,
    settings,
    team,
)
from mailer.web.admin.door import bp

BLUEPRINTS = (auth.bp, bp)

__all__ = [
    "BLUEPRINTS",
    "account",
    "campaigns",
    "campaigns_edit",
    "campaigns_run",
    "erasing",
    "forms",
    "imports",
    "imports_run",
    "lists",
    "overview",
    "people",
    "proof",
    "proving",
    "purposes",
    "receipts",
    "sender_keys",
    "senders",
    "settings",
    "team",
]
