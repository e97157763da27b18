"""What we ask of a witness, and what we make of its answer, true or false."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mailer.foundation import signing_keys
from mailer.foundation.errors import Invalid
from mailer.foundation.setting_entries import WitnessAddress
from mailer.transparency.cosigning import Cosignature, find_cosignature, read_cosignatures
from mailer.transparency.notes import read_key
from mailer.transparency.reaching import AnchorFailed, post
from mailer.transparency.witnessing import KnownSize, ask_witness
from mailer.witness.keys import WitnessKey
from tests.support.little_log import LittleLog, proof_of
from tests.support.odd_witness import OddWitness, Says, note_of, text_of
from tests.support.witnesses import NAME, run_witness

pytestmark = pytest.mark.requirement("T-030")


@pytest.fixture
def log() -> LittleLog:
    log = LittleLog()
    log.grow(9)
    return log


def asked(log: LittleLog, says: Callable[[OddWitness, str], Says], *, old: int = 0) -> object:
    """What comes of asking a witness that answers what `says` makes of the request."""
    witness = OddWitness()
    witness.says = lambda request: says(witness, request)
    proof = proof_of(old, log.leaves) if old else []
    with witness.listening():
        return ask_witness(witness.address, log.note(), old, proof)


def refusal(log: LittleLog, says: Callable[[OddWitness, str], Says], *, old: int = 0) -> str:
    with pytest.raises(AnchorFailed) as caught:
        asked(log, says, old=old)
    return str(caught.value)


def now() -> int:
    return int(time.time())


def test_our_witness_and_our_client_understand_each_other(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path, log.vkey) as running:
        address = WitnessAddress(NAME, running.vkey, running.url)
        first = ask_witness(address, log.note(4), 0, [])
        assert isinstance(first, Cosignature)
        assert abs(first.at - now()) <= 5
        assert ask_witness(address, log.note(), 0, []) == KnownSize(4)
        second = ask_witness(address, log.note(), 4, proof_of(4, log.leaves))
        assert isinstance(second, Cosignature)
        assert second.line.startswith(f"— {NAME} ")
        with pytest.raises(AnchorFailed, match="does not continue"):
            ask_witness(address, LittleLog(log.leaves * 2, key=log.key).note(), 9, [])
        with pytest.raises(AnchorFailed, match="does not watch this log"):
            ask_witness(address, LittleLog(log.leaves, "other.example/log").note(), 0, [])
        with pytest.raises(AnchorFailed, match="does not accept the key"):
            ask_witness(address, LittleLog(log.leaves).note(), 9, [])
        fork = LittleLog([b"x" * 9] * 9, key=log.key)
        with pytest.raises(AnchorFailed, match="two histories of this log were signed"):
            ask_witness(address, fork.note(), 9, [])


def test_the_request_is_what_the_specification_shows(log: LittleLog) -> None:
    witness = OddWitness()
    witness.says = lambda request: witness.cosigns(note_of(request), now())
    with witness.listening():
        ask_witness(witness.address, log.note(), 6, proof_of(6, log.leaves))
    (request,) = witness.requests
    first, *proof = request.partition("\n\n")[0].split("\n")
    assert first == "old 6"
    assert [base64.b64decode(line) for line in proof] == proof_of(6, log.leaves)
    assert note_of(request) == log.note()


def test_a_cosignature_stands_among_lines_of_keys_we_do_not_know(log: LittleLog) -> None:
    other = WitnessKey("other.example/w", Ed25519PrivateKey.generate())
    same_name = WitnessKey("odd.example.net/w", Ed25519PrivateKey.generate())

    def says(witness: OddWitness, request: str) -> Says:
        note = note_of(request)
        lines = [key.cosign(text_of(note), now()).encode() for key in (other, same_name)]
        return Says(body=b"".join(lines) + witness.cosigns(note, now()).body)

    answer = asked(log, says)
    assert isinstance(answer, Cosignature)
    assert answer.line.startswith("— odd.example.net/w ")


@pytest.mark.parametrize(
    ("says", "said"),
    [
        (lambda w, r: Says(body=b""), "cannot be used"),
        (lambda w, r: Says(body=b"thanks\n"), "cannot be used"),
        (lambda w, r: Says(body=b"\xff\xfe"), "cannot be used"),
        (lambda w, r: Says(body=w.cosigns(note_of(r), now()).body[:-1]), "cannot be used"),
        (lambda w, r: w.cosigns("other/log\n9\nx\n\n-", now()), "not its signature"),
        (lambda w, r: w.cosigns(note_of(r), now() - 3600), "ten minutes apart"),
        (lambda w, r: w.cosigns(note_of(r), now() + 3600), "ten minutes apart"),
        (lambda w, r: w.cosigns(note_of(r), 2**63), "not its signature"),
        (
            lambda w, r: OddWitness(name=w.name).cosigns(note_of(r), now()),
            "without a cosignature of the key",
        ),
        (lambda w, r: Says(409, b"12\n"), "but not which"),
        (lambda w, r: Says(409, b"", "text/x.tlog.size"), "but not which"),
        (lambda w, r: Says(409, b"-1\n", "text/x.tlog.size"), "but not which"),
        (lambda w, r: Says(409, b"012\n", "text/x.tlog.size"), "but not which"),
        (lambda w, r: Says(409, b"9" * 30 + b"\n", "text/x.tlog.size"), "but not which"),
        (lambda w, r: Says(409, b"0\n", "text/x.tlog.size"), "two histories"),
        (lambda w, r: Says(400), "malformed"),
        (lambda w, r: Says(418), "status 418"),
        (lambda w, r: Says(500), "status 500"),
        (lambda w, r: Says(302, headers={"Location": "http://127.0.0.1/"}), "status 302"),
        (lambda w, r: Says(body=b"x" * 300_000), "more than anybody needs"),
    ],
)
def test_whatever_else_it_answers_is_told_in_a_sentence(
    log: LittleLog, says: Callable[[OddWitness, str], Says], said: str
) -> None:
    assert said in refusal(log, says)


def test_a_conflict_that_names_another_size_is_believed_for_the_next_try(log: LittleLog) -> None:
    says = lambda w, r: Says(409, b"5\n", "text/x.tlog.size")  # noqa: E731
    assert asked(log, says, old=3) == KnownSize(5)


def test_every_changed_byte_of_a_cosignature_is_found(log: LittleLog) -> None:
    key = WitnessKey(NAME, Ed25519PrivateKey.generate())
    text = text_of(log.note())
    line = key.cosign(text, 1_700_000_000)
    known = read_key(key.vkey)
    good = find_cosignature(
        read_cosignatures(line.encode()), known, text, signing_keys.is_signed_by
    )
    assert good == Cosignature(line, 1_700_000_000)
    for place in range(len(line.encode())):
        turned = bytearray(line.encode())
        turned[place] ^= 1
        try:
            lines = read_cosignatures(bytes(turned))
            found = find_cosignature(lines, known, text, signing_keys.is_signed_by)
        except Invalid:
            continue
        assert found is None, place


@pytest.mark.requirement("S-065")
def test_silence_and_slowness_end_in_time() -> None:
    silent = OddWitness(is_silent=True)
    with silent.listening(), pytest.raises(AnchorFailed, match="in time"):
        post(silent.url, b"", "text/plain", seconds=0.3)
    slow = OddWitness(says=lambda _: Says(body=b"x" * 40), drips_for=12)
    with slow.listening():
        began = time.monotonic()
        with pytest.raises(AnchorFailed, match="in time"):
            post(slow.url, b"", "text/plain", seconds=0.5)
        assert time.monotonic() - began < 6
