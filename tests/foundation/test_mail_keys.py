"""Keys that sign mails: what one library signs, another one knows."""

from __future__ import annotations

from hashlib import sha256
from typing import cast

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mailer.foundation.mail_keys import new_ed25519_key, new_rsa_key, signing_function

ED25519_KEY, RSA_KEY = new_ed25519_key()[0], new_rsa_key()[0]


@pytest.mark.requirement("E-040")
@given(message=st.binary(max_size=5_000))
def test_ed25519_signs_the_digest_as_openssl_does(message: bytes) -> None:
    key = cast("Ed25519PrivateKey", serialization.load_der_private_key(ED25519_KEY, password=None))
    assert signing_function(ED25519_KEY)(message) == key.sign(sha256(message).digest())


@pytest.mark.requirement("E-040")
@given(message=st.binary(max_size=5_000))
def test_rsa_signs_what_openssl_verifies(message: bytes) -> None:
    key = cast("rsa.RSAPrivateKey", serialization.load_der_private_key(RSA_KEY, password=None))
    signature = signing_function(RSA_KEY)(message)
    key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def test_a_key_of_another_kind_is_refused() -> None:
    other = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(ValueError, match="neither an RSA nor an Ed25519 key"):
        signing_function(other)
