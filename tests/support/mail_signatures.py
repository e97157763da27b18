"""The two verifiers side by side, and ways to damage a bundle."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from mailer.verifier import verify

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "mailer" / "verifier" / "verify.html"
VECTORS = ROOT / "tests" / "vectors"

Answer = dict[str, Any]

_JUDGE = """([bundle, policy]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (mark) => mark.charCodeAt(0));
  let read;
  try { read = mailerVerifier.readPolicy(bytes(policy)); } catch (problem) { return {policy: problem.message}; }
  const report = mailerVerifier.verify(bytes(bundle), read);
  const lines = Object.fromEntries(Object.entries(report.lines).map(([line, told]) => [line, told.status]));
  return {ok: report.ok, lines, sentences: Object.values(report.lines).map((line) => line.sentence),
    not_proven: report.notProven, story: report.story};
}"""


def open_verifier(browser: Browser) -> Page:
    """verify.html opened from the disk, without any network."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(PAGE.as_uri())
    return page


def judge_in_browser(page: Page, bundle: bytes, policy: bytes) -> Answer:
    """What verify.html says of a bundle."""
    given = [base64.b64encode(bundle).decode(), base64.b64encode(policy).decode()]
    answer: Answer = page.evaluate(_JUDGE, given)
    return answer


def judge(bundle: bytes, policy: bytes) -> Answer:
    """What verify.py says of a bundle, in the same form."""
    try:
        read = verify.Policy.read(policy)
    except verify.PolicyBroken as broken:
        return {"policy": str(broken)}
    report = verify.verify(bundle, read)
    return {
        "ok": report.is_good,
        "lines": {line: report.statuses[line] for line in verify.LINES},
        "sentences": [report.sentences[line] for line in verify.LINES],
        "not_proven": report.not_proven,
        "story": [entry.split("  ") for entry in report.story],
    }


def vectors() -> list[Answer]:
    """The published vectors: bundle, policy, and what is expected, by names of files."""
    told: list[Answer] = json.loads((VECTORS / "expected.json").read_text())
    return told


def read_vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


@dataclass(frozen=True)
class Place:
    """Where a member lies in a bundle: its bytes, and the two places of its checksum."""

    path: str
    start: int
    size: int
    checksums: tuple[int, int]


def places_in(body: bytes) -> list[Place]:
    """Every member of a bundle that is as it was made."""
    (at,) = struct.unpack_from("<I", body, len(body) - 6)
    found = []
    while body[at : at + 4] == b"PK\x01\x02":
        size, length = struct.unpack_from("<IH", body, at + 24)
        (head,) = struct.unpack_from("<I", body, at + 42)
        path = body[at + 46 : at + 46 + length].decode()
        found.append(Place(path, head + 30 + length, size, (head + 14, at + 16)))
        at += 46 + length
    return found


def flip_in(body: bytes, place: Place, offset: int) -> bytes:
    """One bit of a member flipped, and both checksums of the ZIP made to agree."""
    changed = bytearray(body)
    changed[place.start + offset] ^= 1
    checksum = zlib.crc32(changed[place.start : place.start + place.size])
    for at in place.checksums:
        struct.pack_into("<I", changed, at, checksum)
    return bytes(changed)
