"""The signature under a receipt: checked here without the code that made it."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer import receipts
from mailer.app import create_app
from mailer.foundation.errors import Invalid
from mailer.foundation.setting_values import countries
from tests.conftest import settings_for
from tests.house.sources import ROOT
from tests.receipts.vocabulary import faults

OLD, NEW = "old " + "k3y.Qz8w-" * 5, "new " + "f7Hp2x_Lm" * 5 + "vB"
DOCUMENT = {"@context": {"x": "https://m.example/#"}, "dct:title": "Grüße", "x:size": 3}


def app_with(directory: Path, secrets: str) -> Flask:
    return create_app(settings_for(directory, MAILER_SECRET_KEYS=secrets))


def check_alone(document: dict[str, Any], keys: dict[str, Any]) -> None:
    """What docs/receipts.md says: everything but the value, in RFC 8785 form, under the named key."""
    signature = dict(document["x:signature"])
    value = b64decode(signature.pop("x:value"))
    (key,) = [one for one in keys["keys"] if one["kid"] == signature["x:keyId"]]
    message = rfc8785.dumps({**document, "x:signature": signature})
    Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "=")).verify(value, message)


@pytest.mark.requirement("T-001")
@pytest.mark.requirement("T-034")
def test_a_receipt_can_be_checked_without_us(one_app: Flask) -> None:
    document = receipts.sign_document(DOCUMENT)
    keys = receipts.published_keys()
    check_alone(document, keys)
    with pytest.raises(InvalidSignature):
        check_alone({**document, "x:size": 4}, keys)
    assert json.loads(receipts.file_of(document)) == document


def test_old_keys_still_verify_and_the_newest_signs(tmp_path: Path) -> None:
    with app_with(tmp_path, OLD).app_context():
        document = receipts.sign_document(DOCUMENT)
    with app_with(tmp_path, f"{NEW},{OLD}").app_context():
        assert receipts.check_document(document).verdict is receipts.Verdict.GENUINE
        keys = receipts.published_keys()["keys"]
        assert [key["status"] for key in keys] == ["signs", "verifies only"]
        assert receipts.sign_document(DOCUMENT)["x:signature"]["x:keyId"] == keys[0]["kid"]
    with app_with(tmp_path, NEW).app_context():
        assert receipts.check_document(document).verdict is receipts.Verdict.FOREIGN


def test_a_plain_document_bears_a_plain_signature(one_app: Flask) -> None:
    document = receipts.sign_document({"schema": "mailer.closing/1", "erasure": "era_1"})
    assert set(document["signature"]) == {"algorithm", "keyId", "keysAt", "digests", "value"}
    assert receipts.check_document(document).verdict is receipts.Verdict.GENUINE
    changed = {**document, "erasure": "era_2"}
    assert receipts.check_document(changed).parts == ("erasure",)


def test_nothing_is_signed_twice_and_nothing_unsigned_is_judged(one_app: Flask) -> None:
    document = receipts.sign_document(DOCUMENT)
    with pytest.raises(Invalid, match="signed already"):
        receipts.sign_document(document)
    with pytest.raises(Invalid, match="no signature"):
        receipts.check_document(DOCUMENT)
    with pytest.raises(Invalid, match="canonical form"):
        receipts.sign_document({"a": float("nan")})


@given(
    st.binary(max_size=400)
    | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
@hypothesis_settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300
)
def test_whatever_bytes_come_in_they_are_a_document_or_refused(
    one_app: Flask, given_bytes: bytes
) -> None:
    try:
        document = receipts.read_receipt(given_bytes)
    except Invalid as refused:
        assert str(refused).endswith((".", ")."))
    else:
        assert isinstance(document, dict)


def test_a_file_comes_back_from_its_attachment(one_app: Flask) -> None:
    document = receipts.sign_document(DOCUMENT)
    file = receipts.attachment_of(document, "receipt.json")
    assert (file.filename, file.media_type) == ("receipt.json", "application/json")
    assert receipts.read_receipt(file.body) == document


@pytest.mark.parametrize("text", ["Ireland", "IE;DE", "I", "1E", "ÄÖ"])
def test_a_country_that_is_no_code_is_refused(text: str) -> None:
    assert countries(" ie, DE ") == ("IE", "DE")
    assert countries("") == ()
    with pytest.raises(ValueError, match="two-letter"):
        countries(text)


def test_the_example_of_the_documentation_holds(one_app: Flask) -> None:
    here = Path(__file__).parent
    document = receipts.read_receipt((here / "example_receipt.json").read_bytes())
    assert faults("receipt", document) == []
    check_alone(document, json.loads((here / "example_keys.json").read_text(encoding="utf-8")))
    told = (ROOT / "docs" / "receipts.md").read_text(encoding="utf-8")
    event = json.loads(told.partition("```json\n")[2].partition("```")[0])
    assert event in document["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"]
