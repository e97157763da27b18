from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from itsdangerous import Signer, URLSafeTimedSerializer

from mailer.foundation import tokens
from mailer.foundation.errors import LinkExpired, LinkInvalid
from mailer.foundation.settings import Settings
from mailer.foundation.tokens import LONGEST_TOKEN, Purpose
from tests.conftest import settings_for
from tests.foundation.conftest import within

DAY = timedelta(days=1)
OVER = timedelta(seconds=-1)
GARBAGE = ["", ".", "..", "~", "a.b.c", "ä", "\ud800", "\x00", "%00", "=" * 100, "e30.AAAA.AAAA"]


def test_what_was_signed_is_read(bare: Settings) -> None:
    token = tokens.sign_timed(Purpose.CONFIRM, {"r": "req_1"})
    assert tokens.read_timed(Purpose.CONFIRM, token, max_age=DAY) == {"r": "req_1"}
    lasting = tokens.sign_lasting(Purpose.UNSUBSCRIBE, "sub_1", "3")
    assert tokens.read_lasting(Purpose.UNSUBSCRIBE, lasting) == ["sub_1", "3"]


@pytest.mark.parametrize("times", [1, 150])
def test_a_long_token_takes_fewer_characters_than_what_it_says(bare: Settings, times: int) -> None:
    """A notice of several sentences has to fit a cookie."""
    told = "The draft is saved, and a test is on its way to ä@example.org. " * times
    token = tokens.sign_timed(Purpose.NOTICE, told)
    assert tokens.read_timed(Purpose.NOTICE, token, max_age=DAY) == told
    assert times == 1 or len(token) < len(told) / 10


@given(parts=st.lists(st.text("abcXYZ019_-", max_size=40), min_size=1, max_size=4))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_tokens_are_made_as_one_is(bare: Settings, parts: list[str]) -> None:
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES):
        made = tokens.lasting_signer(purpose)("~".join(parts))
        assert made == tokens.sign_lasting(purpose, *parts)
        assert tokens.read_lasting(purpose, made) == parts


@pytest.mark.requirement("C-065")
@given(value=st.text("abcXYZ019_-~", min_size=1, max_size=60))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tokens_are_those_of_itsdangerous(bare: Settings, value: str) -> None:
    """Links in mails of years ago were signed by the library itself, and work for ever."""
    keys, salt = bare.secret_keys[::-1], f"mailer.{Purpose.UNSUBSCRIBE}"
    how: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    lasting = Signer(keys, salt=salt, sep=".", **how)
    assert tokens.sign_lasting(Purpose.UNSUBSCRIBE, value) == lasting.sign(value).decode()
    timed = URLSafeTimedSerializer(keys, salt=salt, signer_kwargs=how)
    signed = str(timed.dumps(value))
    assert tokens.read_timed(Purpose.UNSUBSCRIBE, signed, max_age=DAY) == value
    assert timed.loads(tokens.sign_timed(Purpose.UNSUBSCRIBE, value)) == value


@given(key=st.binary(max_size=200), messages=st.lists(st.binary(max_size=200), max_size=4))
def test_a_keyed_digest_is_an_hmac(key: bytes, messages: list[bytes]) -> None:
    code = tokens.keyed_digest(key)
    assert [code(one) for one in messages] == [hmac.digest(key, one, "sha256") for one in messages]


@pytest.mark.requirement("S-001")
@pytest.mark.requirement("S-011")
@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_opens_nothing_but_its_purpose(bare: Settings, purpose: Purpose) -> None:
    timed, lasting = tokens.sign_timed(purpose, "req_1"), tokens.sign_lasting(purpose, "req_1")
    for other in set(Purpose) - {purpose}:
        with pytest.raises(LinkInvalid):
            tokens.read_timed(other, timed, max_age=DAY)
        with pytest.raises(LinkInvalid):
            tokens.read_lasting(other, lasting)


def test_a_timed_token_is_no_lasting_one_and_the_other_way_round(bare: Settings) -> None:
    with pytest.raises(LinkInvalid):
        tokens.read_timed(
            Purpose.CONFIRM, tokens.sign_lasting(Purpose.CONFIRM, "req_1"), max_age=DAY
        )
    # Read as a lasting one, it never gives the parts that were signed.
    timed = tokens.sign_timed(Purpose.CONFIRM, "req_1")
    try:
        parts = tokens.read_lasting(Purpose.CONFIRM, timed)
    except LinkInvalid:
        parts = []
    assert "req_1" not in parts


def test_an_expired_token_says_what_it_was_for(bare: Settings) -> None:
    token = tokens.sign_timed(Purpose.CONFIRM, {"r": "req_1"})
    with pytest.raises(LinkExpired) as caught:
        tokens.read_timed(Purpose.CONFIRM, token, max_age=OVER)
    assert caught.value.payload == {"r": "req_1"}


def test_the_time_of_signing_comes_with_it(bare: Settings) -> None:
    token = tokens.sign_timed(Purpose.FORM, "f")
    payload, signed_at = tokens.read_timed_with_age(Purpose.FORM, token, max_age=DAY)
    again, _ = tokens.read_timed_with_age(Purpose.FORM, token, max_age=DAY)
    assert (payload, again) == ("f", "f")
    assert signed_at > 1_700_000_000


@pytest.mark.requirement("C-065")
def test_links_signed_with_an_older_key_still_work(tmp_path: Path) -> None:
    old, new = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
    with within(settings_for(tmp_path, MAILER_SECRET_KEYS=old)):
        timed = tokens.sign_timed(Purpose.CONFIRM, "req_1")
        lasting = tokens.sign_lasting(Purpose.UNSUBSCRIBE, "sub_1")
    with within(settings_for(tmp_path, MAILER_SECRET_KEYS=f"{new},{old}")):
        assert tokens.read_timed(Purpose.CONFIRM, timed, max_age=DAY) == "req_1"
        assert tokens.read_lasting(Purpose.UNSUBSCRIBE, lasting) == ["sub_1"]
        with pytest.raises(LinkExpired):
            tokens.read_timed(Purpose.CONFIRM, timed, max_age=OVER)
        newer = tokens.sign_lasting(Purpose.UNSUBSCRIBE, "sub_1")
    with within(settings_for(tmp_path, MAILER_SECRET_KEYS=new)):
        assert tokens.read_lasting(Purpose.UNSUBSCRIBE, newer) == ["sub_1"]
        with pytest.raises(LinkInvalid):
            tokens.read_lasting(Purpose.UNSUBSCRIBE, lasting)
        with pytest.raises(LinkInvalid):
            tokens.read_timed(Purpose.CONFIRM, timed, max_age=DAY)


@pytest.mark.parametrize("token", [*GARBAGE, "a" * (LONGEST_TOKEN + 1), "a" * 5_000_000])
def test_what_we_never_signed_is_refused(bare: Settings, token: str) -> None:
    for purpose in Purpose:
        with pytest.raises(LinkInvalid):
            tokens.read_timed(purpose, token, max_age=DAY)
        with pytest.raises(LinkInvalid):
            tokens.read_lasting(purpose, token)


@given(st.data())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_character_breaks_a_token(bare: Settings, data: st.DataObject) -> None:
    timed = tokens.sign_timed(Purpose.CONFIRM, {"r": "req_1"})
    lasting = tokens.sign_lasting(Purpose.UNSUBSCRIBE, "sub_1")
    for token, read in (
        (timed, lambda text: tokens.read_timed(Purpose.CONFIRM, text, max_age=DAY)),
        (lasting, lambda text: tokens.read_lasting(Purpose.UNSUBSCRIBE, text)),
    ):
        # The last character of base64 carries bits that mean nothing.
        at = data.draw(st.integers(0, len(token) - 2))
        other = data.draw(st.characters().filter(lambda mark, was=token[at]: mark != was))
        with pytest.raises(LinkInvalid):
            read(token[:at] + other + token[at + 1 :])
        with pytest.raises(LinkInvalid):
            read(token[:at])


def test_only_the_digest_of_a_used_token_is_kept() -> None:
    assert tokens.digest("abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
