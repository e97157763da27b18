"""Time stamps by RFC 3161 from an authority on a socket: what is asked, what is believed, what is refused."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailer.foundation.errors import SettingsInvalid
from mailer.transparency.reaching import AnchorFailed
from mailer.transparency.timestamping import ask_authority, read_roots, verify_stamp
from tests.support import der
from tests.support.time_authority import (
    POLICY,
    TimeAuthority,
    Usage,
    asks_for_certificates,
    imprint_of,
    nonce_of,
)

NOTE = b"news.example.org/log\n7\nroot\n\n\xe2\x80\x94 news.example.org/log c2lnbmF0dXJl\n"
pytestmark = pytest.mark.requirement("T-031")


@pytest.fixture(scope="module")
def authority() -> TimeAuthority:
    return TimeAuthority()


def stamped_by(authority: TimeAuthority, content: bytes = NOTE, **given: Any) -> bytes:
    """The response of an authority to an honest question."""
    with authority.serve() as url:
        return ask_authority(url, content, [authority.root], **given).token


def refusal(authority: TimeAuthority, **given: Any) -> str:
    with authority.serve() as url, pytest.raises(AnchorFailed) as caught:
        ask_authority(url, NOTE, given.pop("roots", [authority.root]), **given)
    return str(caught.value)


@pytest.mark.parametrize("is_rsa", [False, True], ids=["ecdsa", "rsa"])
def test_a_stamp_names_its_time_and_brings_its_chain(is_rsa: bool) -> None:
    authority = TimeAuthority(is_rsa=is_rsa)
    before = datetime.now(UTC) - timedelta(seconds=1)
    with authority.serve() as url:
        stamp = ask_authority(url, NOTE, [authority.root], POLICY)
    assert before.replace(microsecond=0) <= stamp.gen_time <= datetime.now(UTC)
    chain = x509.load_pem_x509_certificates(stamp.chain)
    assert chain == [authority.signer, authority.middle, authority.root]
    assert stamp.expires_at == authority.signer.not_valid_after_utc


def test_the_question_is_the_hash_of_the_exact_bytes_with_a_fresh_nonce() -> None:
    authority = TimeAuthority()
    stamped_by(authority)
    stamped_by(authority)
    first, second = authority.requests
    assert imprint_of(first) == hashlib.sha256(NOTE).digest()
    assert asks_for_certificates(first)
    nonces = {nonce_of(first), nonce_of(second)}
    assert len(nonces) == 2
    assert None not in nonces
    assert max(nonce.bit_length() for nonce in nonces if nonce) > 40


def test_openssl_agrees_with_us(authority: TimeAuthority, tmp_path: Path) -> None:
    token = stamped_by(authority.with_faults())
    for name, content in (
        ("note", NOTE),
        ("other", NOTE + b"\n"),
        ("token", token),
        ("root", authority.roots_pem),
    ):
        (tmp_path / name).write_bytes(content)
    openssl = shutil.which("openssl")
    assert openssl is not None, "install openssl"

    def verify(data: str) -> int:
        command = [openssl, "ts", "-verify", "-in", "token", "-CAfile", "root", "-data", data]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    assert (verify("note"), verify("other") != 0) == (0, True)


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"status": 2}, "grants no time stamp"),
        ({"status": 1}, "grants no time stamp"),
        ({"nonce": 1234567}, "the nonce is not ours"),
        ({"leaves_nonce_out": True}, "the nonce is not ours"),
        ({"imprint": hashlib.sha256(b"else").digest()}, "over something else"),
        ({"policy": "1.2.3.4"}, f"under policy 1.2.3.4, not {POLICY}"),
        ({"leaves_certificates_out": True}, "does not verify"),
        ({"signs_other_content": True}, "does not verify"),
        ({"at": datetime.now(UTC) + timedelta(hours=2)}, "more than an hour apart"),
        ({"at": datetime.now(UTC) - timedelta(hours=2)}, "more than an hour apart"),
        ({"http_status": 500}, "answers with status 500"),
        ({"http_status": 302}, "answers with status 302"),
        ({"content_type": "text/html"}, "not with a time stamp"),
        ({"body": b""}, "cannot be read"),
        ({"body": b"<html>" * 100}, "cannot be read"),
        ({"body": b"0" * 300_000}, "more than anybody needs"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_authority_that_does_anything_else_is_not_believed(
    authority: TimeAuthority, faults: dict[str, Any], said: str
) -> None:
    assert said in refusal(authority.with_faults(**faults), policy=POLICY)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        Usage(is_critical=False),
        Usage(purposes=(ExtendedKeyUsageOID.CODE_SIGNING,)),
        Usage(purposes=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH)),
    ],
    ids=["none", "not critical", "other", "one more"],
)
def test_a_certificate_for_anything_but_time_stamping_is_refused(usage: Usage | None) -> None:
    said = refusal(TimeAuthority(usage=usage))
    assert "unsuitable certificate purpose" in said


def test_a_certificate_that_has_ended_or_not_begun_is_refused() -> None:
    assert "certificate has expired" in refusal(TimeAuthority(days=-1))
    assert "certificate is not yet valid" in refusal(TimeAuthority(began_days_ago=-1))


def test_a_certificate_of_another_root_is_refused(authority: TimeAuthority) -> None:
    assert "unable to get local issuer certificate" in refusal(
        authority.with_faults(), roots=[TimeAuthority().root, authority.signer]
    )


def test_a_stamp_stays_valid_when_its_certificate_has_ended_since() -> None:
    authority = TimeAuthority(days=-1, began_days_ago=30)
    authority.with_faults(at=datetime.now(UTC) - timedelta(days=2))
    with authority.serve() as url, pytest.raises(AnchorFailed, match="hour apart"):
        ask_authority(url, NOTE, [authority.root])
    token = authority.answer(authority.requests[0])
    assert verify_stamp(token, NOTE, [authority.root]).gen_time < datetime.now(UTC)


def test_a_stamp_of_other_bytes_is_refused(authority: TimeAuthority) -> None:
    token = stamped_by(authority.with_faults())
    assert verify_stamp(token, NOTE, [authority.root]).token == token
    for other in (NOTE + b"\n", NOTE[:-1], NOTE.replace(b"7", b"8"), b""):
        with pytest.raises(AnchorFailed, match="over something else"):
            verify_stamp(token, other, [authority.root])


def test_no_byte_that_says_anything_can_be_changed(authority: TimeAuthority) -> None:
    """Every byte of the token is turned: content, attributes, signature, certificates, structure.

    A signature does not cover the outermost version numbers and the name of the signer's digest, which say
    nothing. Wherever a changed token is still accepted, it must state the same facts.
    """
    token = stamped_by(authority.with_faults())
    honest = verify_stamp(token, NOTE, [authority.root])
    accepted = []
    for place in range(len(token)):
        for bit in (0x01, 0x80):
            turned = bytearray(token)
            turned[place] ^= bit
            try:
                stamp = verify_stamp(bytes(turned), NOTE, [authority.root])
            except AnchorFailed:
                continue
            accepted.append(place)
            assert (stamp.gen_time, stamp.chain) == (honest.gen_time, honest.chain), place
    assert len(set(accepted)) <= 12, accepted
    info = token.index(der.oid(POLICY))
    assert not [place for place in accepted if info <= place < info + 100]


@pytest.mark.parametrize("cut", [1, 100, 700])
def test_a_stamp_that_is_cut_off_or_has_a_tail_is_refused(
    authority: TimeAuthority, cut: int
) -> None:
    token = stamped_by(authority.with_faults())
    for broken in (token[:-cut], token[cut:], token + b"\0" * cut):
        with pytest.raises(AnchorFailed):
            verify_stamp(broken, NOTE, [authority.root])


def test_roots_that_are_none_are_told_by_the_name_of_the_setting(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_bytes(b"")
    for path in (tmp_path / "empty.pem", tmp_path / "missing.pem"):
        with pytest.raises(SettingsInvalid, match="MAILER_TSA_ROOTS"):
            read_roots(path)


@pytest.mark.requirement("S-065")
def test_an_authority_that_is_not_there_or_speaks_something_else_fails_with_a_sentence() -> None:
    with pytest.raises(AnchorFailed, match="cannot be reached"):
        ask_authority("http://127.0.0.1:9/tsa", NOTE, [TimeAuthority().root])
    with TimeAuthority().serve() as url, pytest.raises(AnchorFailed, match="TLS"):
        ask_authority(url.replace("http:", "https:"), NOTE, [TimeAuthority().root])
