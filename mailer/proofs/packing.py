"""Packing a bundle: a ZIP of one form only, and the list of its members. Pure.

Members are stored in the order of their names, uncompressed, with one date, and without extras, so that the
same members give the same bytes and every byte of the file means something to a verifier.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import rfc8785

SCHEMA = "mailer.bundle/1"
MANIFEST = "manifest.json"
MANIFEST_NOTE = "manifest.note"
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
# Version 2.0, no flags, stored, 1980-01-01 00:00: the earliest date that a ZIP can tell.
_SAME = (20, 0, 0, 0, 0x0021)


def pack(members: Mapping[str, bytes]) -> bytes:
    """The ZIP file that holds `members`, by their paths; the same members give the same bytes."""
    body, directory = bytearray(), bytearray()
    for path in sorted(members):
        name, content = path.encode("ascii"), members[path]
        sizes = (zlib.crc32(content), len(content), len(content), len(name), 0)
        directory += _CENTRAL.pack(b"PK\x01\x02", 20, *_SAME, *sizes, 0, 0, 0, 0, len(body)) + name
        body += _LOCAL.pack(b"PK\x03\x04", *_SAME, *sizes) + name + content
    count = len(members)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def list_members(told: Mapping[str, Any], members: Mapping[str, bytes]) -> bytes:
    """The manifest: what is `told` of the bundle, and every member with its length and SHA-256."""
    listed: Any = [
        {
            "path": path,
            "bytes": len(members[path]),
            "sha256": hashlib.sha256(members[path]).hexdigest(),
        }
        for path in sorted(members)
    ]
    return rfc8785.dumps({"schema": SCHEMA, **told, "members": listed})


def text_to_sign(manifest: bytes) -> str:
    """The text whose signature makes the whole bundle its maker's word."""
    return f"{SCHEMA}\n{hashlib.sha256(manifest).hexdigest()}\n"
