"""The same members give the same bytes, which any ZIP program opens."""

from __future__ import annotations

import io
import json
import zipfile

from mailer.proofs.packing import list_members, pack


def test_the_same_members_give_the_same_bytes() -> None:
    one = pack({"b.txt": b"second", "a.txt": b"first"})
    assert one == pack({"a.txt": b"first", "b.txt": b"second"})
    with zipfile.ZipFile(io.BytesIO(one)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["a.txt", "b.txt"]
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert opened.read("b.txt") == b"second"


def test_every_member_is_listed_with_its_length_and_hash() -> None:
    listed = json.loads(list_members({"records": []}, {"b": b"abc", "a": b""}))
    assert listed["schema"] == "mailer.bundle/1"
    assert listed["members"] == [
        {
            "bytes": 0,
            "path": "a",
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        },
        {
            "bytes": 3,
            "path": "b",
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        },
    ]
