from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from flask import Flask

from mailer import consent
from mailer.consent import ConsentText
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import NotFound

pytestmark = pytest.mark.requirement("C-044")


def test_a_text_is_found_under_the_hash_of_its_bytes(app: Flask) -> None:
    body = "Grüße aus Košice\n".encode()
    with unit_of_work():
        sha256 = consent.store_text(body, "text/plain")
    assert sha256 == hashlib.sha256(body).hexdigest()
    text = consent.get_text(sha256)
    assert (bytes(text.body), text.media_type) == (body, "text/plain")


def test_storing_it_again_changes_nothing(app: Flask) -> None:
    with unit_of_work():
        first = consent.store_text(b"same", "text/plain")
    with unit_of_work():
        assert consent.store_text(b"same", "text/html") == first
    assert consent.get_text(first).media_type == "text/plain"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ConsentText)) == 1


def test_an_unknown_hash_is_not_found(app: Flask) -> None:
    with pytest.raises(NotFound):
        consent.get_text("0" * 64)
