"""The policy as text: every line of C2SP tlog-policy, and ours behind it; read back by the verifier's own reader."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mailer.foundation.setting_entries import WitnessAddress
from mailer.transparency.policy import Policy, format_policy, quorum_of
from mailer.transparency.timestamping import as_der
from mailer.verifier import verify
from mailer.witness.keys import WitnessKey
from tests.support.little_log import LittleLog
from tests.support.time_authority import TimeAuthority

pytestmark = pytest.mark.requirement("T-030")


def witness(name: str) -> WitnessAddress:
    vkey = WitnessKey(name, Ed25519PrivateKey.generate()).vkey
    return WitnessAddress(name, vkey, "https://w.example")


LOG = LittleLog()
ONE, TWO, THREE = witness("one.example/w"), witness("two.example/w"), witness("drei.example/ü")


def policy(*witnesses: WitnessAddress, quorum: int = 0, **given: object) -> str:
    return format_policy(
        Policy(
            origin=LOG.origin,
            log_vkeys=[LOG.vkey],
            log_url="https://news.example.org/log",
            witnesses=witnesses,
            quorum=quorum,
            **given,  # type: ignore[arg-type]
        )
    )


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if not re.match(r"#(?!!)", line)]


def test_without_anchors_the_policy_says_operator_asserted_only() -> None:
    text = policy()
    assert lines_of(text) == [f"log {LOG.vkey} https://news.example.org/log", "quorum none"]
    assert "operator-asserted only" in text


def test_one_witness_is_the_quorum_itself() -> None:
    text = policy(ONE, quorum=1)
    assert lines_of(text)[1:] == [f"witness {ONE.name} {ONE.vkey}", f"quorum {ONE.name}"]
    assert "operator-asserted" not in text


def test_more_witnesses_are_a_group() -> None:
    assert lines_of(policy(ONE, TWO, THREE, quorum=2))[4:] == [
        f"group witnesses 2 {ONE.name} {TWO.name} {THREE.name}",
        "quorum witnesses",
    ]


@pytest.mark.requirement("T-041")
def test_roots_of_authorities_stand_where_other_readers_see_comments() -> None:
    authority = TimeAuthority()
    text = policy(tsa_roots=[as_der(authority.root)], tsa_policy="1.2.3")
    ours = [line for line in text.splitlines() if line.startswith("#! ")]
    encoded = base64.b64encode(as_der(authority.root)).decode()
    assert ours == [f"#! tsa-root {encoded}", "#! tsa-policy 1.2.3", "#! tsa-quorum any"]
    assert "quorum none" in text
    with_witness = policy(ONE, quorum=1, tsa_roots=[as_der(authority.root)])
    assert "#! tsa-quorum none" in with_witness


@pytest.mark.parametrize(
    ("word", "count", "needed"),
    [
        ("", 0, 0),
        ("", 1, 1),
        ("", 2, 2),
        ("", 3, 2),
        ("", 5, 3),
        ("none", 3, 0),
        ("any", 3, 1),
        ("all", 3, 3),
        ("2", 3, 2),
    ],
)
def test_the_quorum_is_more_than_half_unless_it_is_given(
    word: str, count: int, needed: int
) -> None:
    assert quorum_of(word, count) == needed


@pytest.mark.requirement("T-045")
def test_the_verifier_reads_what_we_write() -> None:
    root = as_der(TimeAuthority().root)
    for text in (
        policy(),
        policy(ONE, quorum=1),
        policy(ONE, TWO, THREE, quorum=2, tsa_roots=[root], tsa_policy="1.2.3"),
    ):
        read = verify.Policy.read(text.encode())
        assert [key.name for key in read.logs] == [LOG.origin]
    assert read.is_reached("witnesses", {ONE.name, THREE.name})
    assert not read.is_reached("witnesses", {TWO.name})
