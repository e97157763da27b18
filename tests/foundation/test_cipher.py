from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from mailer.foundation import cipher
from mailer.foundation.cipher import CannotOpen
from mailer.foundation.settings import Settings
from tests.conftest import settings_for
from tests.foundation.conftest import within

PLACE = "consent_payloads.body.7"
VALUE = b"Cleo, 192.0.2.0/24"


def test_what_was_sealed_is_opened(bare: Settings) -> None:
    sealed = cipher.seal(VALUE, bound_to=PLACE)
    assert VALUE not in sealed
    assert cipher.open_sealed(sealed, bound_to=PLACE) == VALUE


def test_a_value_opens_in_its_own_place_only(bare: Settings) -> None:
    sealed = cipher.seal(VALUE, bound_to=PLACE)
    for place in ("consent_payloads.body.8", "", PLACE + " "):
        with pytest.raises(CannotOpen):
            cipher.open_sealed(sealed, bound_to=place)


def test_the_same_value_never_looks_the_same_twice(bare: Settings) -> None:
    assert len({cipher.seal(VALUE, bound_to=PLACE) for _ in range(50)}) == 50


def test_any_changed_byte_is_noticed(bare: Settings) -> None:
    sealed = cipher.seal(VALUE, bound_to=PLACE)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CannotOpen):
            cipher.open_sealed(changed, bound_to=PLACE)


def test_any_cut_is_noticed(bare: Settings) -> None:
    sealed = cipher.seal(VALUE, bound_to=PLACE)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            cipher.open_sealed(sealed[:length], bound_to=PLACE)


def test_values_of_an_older_key_stay_readable_until_it_is_taken_away(tmp_path: Path) -> None:
    old, new = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
    with within(settings_for(tmp_path, MAILER_ENCRYPTION_KEYS=old)):
        sealed = cipher.seal(VALUE, bound_to=PLACE)
    with within(settings_for(tmp_path, MAILER_ENCRYPTION_KEYS=f"{new},{old}")):
        assert cipher.open_sealed(sealed, bound_to=PLACE) == VALUE
        newer = cipher.seal(VALUE, bound_to=PLACE)
    with within(settings_for(tmp_path, MAILER_ENCRYPTION_KEYS=new)):
        assert cipher.open_sealed(newer, bound_to=PLACE) == VALUE
        with pytest.raises(CannotOpen):
            cipher.open_sealed(sealed, bound_to=PLACE)


def test_nothing_and_much_can_be_sealed(bare: Settings) -> None:
    for value in (b"", secrets.token_bytes(3_000_000)):
        assert cipher.open_sealed(cipher.seal(value, bound_to=PLACE), bound_to=PLACE) == value


def test_a_persons_own_key_opens_what_it_sealed_and_no_other_key_does() -> None:
    key = cipher.new_key()
    sealed = cipher.seal_with(key, VALUE, bound_to=PLACE)
    assert cipher.open_with(key, sealed, bound_to=PLACE) == VALUE
    for other in (cipher.new_key(), b"", b"short"):
        with pytest.raises(CannotOpen):
            cipher.open_with(other, sealed, bound_to=PLACE)
    with pytest.raises(CannotOpen):
        cipher.open_with(key, sealed, bound_to="elsewhere")
