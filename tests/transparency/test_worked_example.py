"""The worked example of docs/consent-ledger.md, computed again from the page itself."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from mailer import consent, transparency
from mailer.foundation import signing_keys
from mailer.transparency import hash_leaf, root_from_inclusion
from mailer.transparency.notes import decode

PAGE = Path(__file__).parents[2] / "docs" / "consent-ledger.md"


def block(name: str) -> str:
    """The one block of the page that is marked with this name, without its last newline."""
    found = re.findall(
        rf"^```{name}\n(.*?)\n```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert len(found) == 1, name
    return str(found[0])


@pytest.mark.requirement("T-005")
@pytest.mark.requirement("T-040")
def test_every_value_follows_from_the_one_before() -> None:
    payload, salt = block("payload").encode(), bytes.fromhex(block("salt"))
    commitment = hashlib.sha256(b"mailer.consent.v1\x00" + salt + payload).hexdigest()
    assert commitment == block("commitment")
    assert consent.commitment(salt, payload).hex() == commitment
    leaf = block("leaf").encode()
    read = transparency.read_leaf(leaf)
    assert read.commitment.hex() == commitment
    assert read.public_id == json.loads(payload)["record"]
    assert hash_leaf(leaf).hex() in PAGE.read_text("utf-8")

    proof, _, note_text = block("tlog-proof").partition("\n\n")
    header, index, *hashes = proof.split("\n")
    assert header == "c2sp.org/tlog-proof@v1"
    note = transparency.read_note(note_text + "\n")
    checkpoint = transparency.read_checkpoint(note.text)
    root = root_from_inclusion(
        int(index.removeprefix("index ")),
        checkpoint.size,
        hash_leaf(leaf),
        [decode(h) for h in hashes],
    )
    assert root == checkpoint.root
    key = transparency.read_key(block("vkey"))
    assert transparency.verified_by(note, [key], signing_keys.is_signed_by) == [key]
    assert key.name == checkpoint.origin
