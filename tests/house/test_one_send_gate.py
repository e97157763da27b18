"""When a consent stands, what is suppressed and who may be mailed is said once, and everybody asks there.

The database says the first two, in the views `standing_consents` and `suppressed_consents`;
`campaigns/send_gate.py` says the third. Whoever names a column of these rules elsewhere has begun a copy.
"""

from __future__ import annotations

import re

from tests.house.sources import refuse, sources

RULES = ("mailer/consent/", "mailer/suppression/", "mailer/migrations/")
# The words of the rules, and who else names them without deciding who is mailed.
WORDS: dict[str, dict[str, str]] = {
    r"\bends_id\b": {
        "mailer/delivery/looking.py": "which consents ended lately",
        "mailer/receipts/threads.py": "the history of one person",
        "mailer/selfaudit/row_checks.py": "when a consent ended that was mailed on",
        "mailer/subscriptions/undoing.py": "what an undo restores",
        "mailer/web/admin/consent_history.py": "the history of one person",
    },
    r"in_\((sorted\()?ALLOWS_SENDING|IN \('given'": {
        "mailer/selfaudit/row_checks.py": "what a delivery cites, ended since or not",
        "mailer/subscriptions/lifecycle.py": "what answers a request",
    },
    r"\blifted_at\b|\bis_undated\b": {
        "mailer/imports/importing.py": "writes entries",
        "mailer/imports/matching.py": "what an opt-out of a file would add to",
        "mailer/imports/undoing.py": "lifts what an import wrote",
        "mailer/subscriptions/undoing.py": "whether something came between",
        "mailer/web/admin/people.py": "whether a bounce can be lifted",
    },
    r"\brestricted_at\b": {
        "mailer/campaigns/send_gate.py": "the rule",
        "mailer/contacts/models.py": "the column",
        "mailer/contacts/mail_preferences.py": "writes it",
        "mailer/delivery/looking.py": "who was restricted lately",
        "mailer/imports/matching.py": "why a row is refused",
        "mailer/imports/undoing.py": "whether something came between",
        "mailer/tracking/counting.py": "a click that is not counted",
    },
}


def test_nobody_says_again_who_may_be_mailed() -> None:
    copies = [
        f"{source.path}: names {word}; ask a view, consent.stands or campaigns.send_gate instead"
        for source in sources()
        if not source.path.startswith(RULES)
        for word, others in WORDS.items()
        if source.path not in others and re.search(word, source.text)
    ]
    refuse(copies)


def test_whoever_is_excused_still_needs_it() -> None:
    texts = {source.path: source.text for source in sources()}
    refuse(
        [
            f"{path} no longer names {word}"
            for word, others in WORDS.items()
            for path in others
            if not re.search(word, texts.get(path, ""))
        ]
    )
