"""Signed notes and checkpoints: a published example, and everything that must be refused."""

from __future__ import annotations

import pytest

from mailer.foundation import signing_keys
from mailer.foundation.errors import Invalid
from mailer.transparency import keys
from mailer.transparency.notes import (
    ED25519,
    CheckpointText,
    Note,
    Signature,
    VerifierKey,
    read_checkpoint,
    read_key,
    read_note,
    verified_by,
)

# The example of Go's package golang.org/x/mod/sumdb/note, which the specification grew out of.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def check(note: Note, *vkeys: VerifierKey) -> list[VerifierKey]:
    return list(verified_by(note, vkeys, signing_keys.is_signed_by))


@pytest.mark.requirement("T-014")
def test_the_published_note_is_verified_and_written_back_as_it_was() -> None:
    key, note = read_key(NEUMANN), read_note(NOTE)
    assert check(note, key) == [key]
    assert str(note) == NOTE
    assert str(key) == NEUMANN
    assert key.kind == ED25519


@pytest.mark.requirement("T-016")
def test_unknown_signatures_are_ignored_and_wrong_ones_of_known_keys_refuse_the_note() -> None:
    key, note = read_key(NEUMANN), read_note(NOTE)
    stranger = Signature("somebody.example", b"abcd", bytes(64))
    namesake = Signature("PeterNeumann", b"abcd", bytes(64))
    wrong = Signature("PeterNeumann", key.key_id, bytes(64))
    assert check(Note(note.text, (stranger, namesake, *note.signatures)), key) == [key]
    with pytest.raises(Invalid, match="wrong"):
        check(Note(note.text, (*note.signatures, wrong)), key)
    with pytest.raises(Invalid, match="No known key"):
        check(Note(note.text, (stranger, namesake)), key)
    with pytest.raises(Invalid, match="wrong"):
        check(Note(note.text + "more\n", note.signatures), key)


@pytest.mark.requirement("T-016")
def test_sixteen_signatures_and_more_are_taken() -> None:
    key, note = read_key(NEUMANN), read_note(NOTE)
    others = tuple(Signature(f"w{number}.example", b"abcd", bytes(72)) for number in range(40))
    assert check(read_note(str(Note(note.text, others + note.signatures))), key) == [key]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text\n",
        "text\n\n",
        NOTE[:-1],
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—  "),
        NOTE.replace("=\n", "\n"),
        NOTE.replace("think", "th\tink"),
        NOTE.replace("think", "th\rink"),
        NOTE + "\n",
        NOTE + "— two+words AAAAAAAA\n",
        NOTE + "— short AAAA\n",
    ],
)
def test_what_is_not_exactly_a_note_is_refused(body: str) -> None:
    with pytest.raises(Invalid):
        read_note(body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN[:-4],
        NEUMANN + "=",
        "name+00000000+AQ==",
    ],
)
def test_a_key_that_does_not_hold_together_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_key(text)


@pytest.mark.requirement("T-013")
def test_a_checkpoint_has_three_lines_and_reads_back() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    read = read_checkpoint(text)
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20852163)
    assert str(read) == text
    assert read_checkpoint(str(CheckpointText("o", 0, bytes(32)))).size == 0


@pytest.mark.requirement("T-013")
@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n",
        "o\n01\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 43 + "=",
        "o\n1\n" + "A" * 43 + "=\nextension\n",
        "\n1\n" + "A" * 43 + "=\n",
        "o\n1\nAAAA\n",
        "o\n1\n" + "A" * 42 + "B=\n",
        "o\n１\n" + "A" * 43 + "=\n",
    ],
)
def test_other_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_checkpoint(text)


@pytest.mark.requirement("T-014")
def test_a_key_of_ours_signs_what_others_verify() -> None:
    key = keys.make_key("log.example/1")
    text = "log.example/1\n0\n" + "A" * 43 + "=\n"
    note = read_note(str(Note(text, (key.sign(text),))))
    assert check(note, key.public) == [key.public]
    assert "seed" not in repr(key)
    with pytest.raises(Invalid):
        keys.make_key("two words")
