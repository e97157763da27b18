from __future__ import annotations

import json
import logging
import secrets
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation import tokens
from mailer.foundation.logs import JSONLines, redact
from mailer.foundation.settings import Settings
from mailer.foundation.tokens import Purpose

pytestmark = [pytest.mark.requirement("S-010"), pytest.mark.requirement("L-008")]
ADDRESS = "cleo.jones+books@example.org"


def line(message: str, *args: object, **extra: object) -> str:
    record = logging.getLogger("mailer.test").makeRecord(
        "mailer.test", logging.WARNING, __file__, 1, message, args, sys.exc_info(), extra=extra
    )
    if record.exc_info == (None, None, None):
        record.exc_info = None
    return JSONLines().format(record)


def test_a_line_is_one_json_object() -> None:
    said = json.loads(line("a batch is done", campaign="cmp_1", sent=7))
    assert said.pop("at").endswith("+00:00")
    assert said == {
        "level": "warning",
        "from": "mailer.test",
        "said": "a batch is done",
        "campaign": "cmp_1",
        "sent": "7",
    }


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS,
        ADDRESS.upper(),
        f"<{ADDRESS}>",
        f"rcpt to:{ADDRESS}",
        f"Key (normal)=({ADDRESS}) already exists",
        f"GET /f?address={ADDRESS.replace('@', '%40')}&a=b",
        f"['{ADDRESS}', \"{ADDRESS}\"]",
        "cleo.jones+books@bücher.example",
    ],
)
def test_addresses_never_appear(text: str) -> None:
    for shown in (line(text), line("%s", text), line("said", detail=text)):
        assert "jones" not in shown.lower()
        assert "‹address›" in shown


def test_tokens_never_appear(bare: Settings) -> None:
    for token in (
        tokens.sign_timed(Purpose.CONFIRM, "req_1"),
        tokens.sign_lasting(Purpose.UNSUBSCRIBE, "sub_1"),
        secrets.token_urlsafe(32),
        secrets.token_hex(32),
        tokens.digest("x"),
    ):
        for shown in (
            line(f"/c/{token}?a=b"),
            line("%s", {"token": token}),
            line("said", detail=token),
            line("said", detail=[token]),
        ):
            assert token not in shown
            assert "‹token›" in shown


def test_neither_appears_in_exceptions(bare: Settings) -> None:
    token = tokens.sign_timed(Purpose.CONFIRM, "req_1")
    try:
        try:
            raise ValueError(f"550 no such user {ADDRESS}")
        except ValueError as error:
            raise RuntimeError(f"token {token}") from error
    except RuntimeError:
        shown = line("it failed")
    assert "test_logs.py" in json.loads(shown)["trace"]
    assert "jones" not in shown
    assert token not in shown


def test_public_ids_and_file_names_stay_readable() -> None:
    kept = f"sub_{secrets.token_urlsafe(16)} in mailer/foundation/database.py, line 7"
    assert redact(kept) == kept


def test_a_line_stays_one_line_whatever_is_said() -> None:
    shown = line('a\nb\r\n{"level": "error"}\u2028')
    assert "\n" not in shown
    assert json.loads(shown)["level"] == "warning"


def test_a_message_that_does_not_fit_its_values_is_still_a_line() -> None:
    shown = line("%d of %d for %s", ADDRESS)
    assert "jones" not in shown
    assert json.loads(shown)["said"] == "%d of %d for %s"


@given(st.text(), st.text())
def test_any_text_can_be_logged(text: str, extra: str) -> None:
    assert json.loads(line("%s", text, detail=extra))["level"] == "warning"


def test_configuring_sends_everything_to_standard_error() -> None:
    # In a process of its own: the handlers of this one belong to pytest.
    program = (
        "import logging; from mailer.foundation import logs; logs.configure('info');"
        "logging.getLogger('any.library').info('for %s', 'cleo@example.org');"
        "logging.getLogger('any.library').debug('too quiet');"
        "logging.getLogger('rq').info('chatter')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    (only,) = done.stderr.splitlines()
    assert json.loads(only)["said"] == "for ‹address›"
