"""Texts as they were shown, stored once under the hash of their bytes and never changed (C-044, T-007)."""

from __future__ import annotations

import hashlib

from sqlalchemy.dialects import postgresql, sqlite

from mailer.consent.models import ConsentText
from mailer.foundation.clock import now
from mailer.foundation.database import db, is_sqlite
from mailer.foundation.errors import NotFound


def store_text(body: bytes, media_type: str) -> str:
    """Keep `body` under its SHA-256 and return that, hexadecimal; storing it again changes nothing."""
    sha256 = hashlib.sha256(body).hexdigest()
    # Two publishers may store the same text at once: the second finds it there.
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    db.session.execute(
        insert(ConsentText)
        .values(sha256=sha256, media_type=media_type, body=body, created_at=now())
        .on_conflict_do_nothing(index_elements=["sha256"])
    )
    return sha256


def get_text(sha256: str) -> ConsentText:
    """The text whose bytes have this SHA-256. Raises NotFound."""
    text = db.session.get(ConsentText, sha256)
    if text is None:
        raise NotFound("No text is stored under this hash.")
    return text
