"""Every byte of a bundle counts: whichever is changed, both verifiers notice, and say where."""

from __future__ import annotations

import base64
import zlib

import pytest
from playwright.sync_api import Page

from mailer.verifier import verify
from mailer.verifier.verify import Bundle, Policy, check_members, read_json, read_zip
from tests.support.making_bundles import Making, remake
from tests.support.verifying import (
    flip_in,
    judge,
    judge_in_browser,
    places_in,
    read_vector,
)

GIVEN = "records/002-given"
EVIDENCE = ("records/002-given/", "checkpoint/", "texts/", "mail/", "later-events.json")

_EVERY_BYTE = """([bundle, policy, step]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (mark) => mark.charCodeAt(0));
  const read = mailerVerifier.readPolicy(bytes(policy)), body = bytes(bundle), missed = [];
  if (!mailerVerifier.verify(body, read).ok) return ["the bundle itself"];
  for (let at = 0; at < body.length; at += step) {
    for (const bit of [1, 128]) {
      body[at] ^= bit;
      if (mailerVerifier.verify(body, read).ok) missed.push(at);
      body[at] ^= bit;
    }
  }
  return missed;
}"""
_EVERY_MEMBER = """([bundle, policy, places, step]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (mark) => mark.charCodeAt(0));
  const read = mailerVerifier.readPolicy(bytes(policy)), body = bytes(bundle), missed = [];
  const view = new DataView(body.buffer);
  for (const [path, start, size, checksums] of places) {
    for (let at = 0; at < size; at += step) {
      const kept = body.slice();
      body[start + at] ^= 1;
      const checksum = mailerVerifier.parts.crc32(body.subarray(start, start + size));
      for (const place of checksums) view.setUint32(place, checksum, true);
      const lines = mailerVerifier.verify(body, read).lines;
      if (lines.file.status !== "ok" || lines.maker.status !== "failed" && lines.members.status !== "failed") missed.push([path, at]);
      body.set(kept);
    }
  }
  return missed;
}"""


def in_base64(*parts: bytes) -> list[str]:
    return [base64.b64encode(part).decode() for part in parts]


@pytest.mark.requirement("T-045")
def test_the_program_notices_every_flipped_byte_of_the_file() -> None:
    body, policy = read_vector("good.zip"), Policy.read(read_vector("full.txt"))
    assert verify.verify(body, policy).is_good
    missed = []
    for at in range(len(body)):
        for bit in (1, 128):
            changed = bytearray(body)
            changed[at] ^= bit
            if verify.verify(bytes(changed), policy).is_good:
                missed.append(at)
    assert missed == []


@pytest.mark.requirement("T-045")
def test_the_page_notices_every_flipped_byte_of_the_file(verifier_page: Page) -> None:
    given = in_base64(read_vector("good.zip"), read_vector("full.txt"))
    assert verifier_page.evaluate(_EVERY_BYTE, [*given, 1]) == []


@pytest.mark.requirement("T-045")
def test_a_mended_checksum_does_not_hide_any_flipped_byte_from_the_program() -> None:
    body, policy = read_vector("good.zip"), Policy.read(read_vector("full.txt"))
    manifest = read_json(read_zip(body)["manifest.json"])
    missed = []
    for place in places_in(body):
        for offset in range(place.size):
            found = Bundle(read_zip(flip_in(body, place, offset)), manifest)
            try:
                if place.path == "manifest.json":
                    found.manifest = read_json(found.member("manifest.json"))
                check_members(found)
                verify.check_maker(found, policy)
            except (verify.Broken, ValueError, KeyError, TypeError, AttributeError):
                continue
            missed.append((place.path, offset))
    assert missed == []


@pytest.mark.requirement("T-045")
def test_a_mended_checksum_hides_nothing_from_the_page(verifier_page: Page) -> None:
    body = read_vector("good-plain.zip")
    places = [
        [place.path, place.start, place.size, list(place.checksums)] for place in places_in(body)
    ]
    given = in_base64(body, read_vector("maker.txt"))
    assert verifier_page.evaluate(_EVERY_MEMBER, [*given, places, 11]) == []


@pytest.mark.requirement("T-045")
def test_evidence_needs_no_maker_to_be_protected(verifier_page: Page) -> None:
    """Somebody who rewrites the list of members still cannot change a byte of what counts."""
    members = Making().members()
    policy = Making().policy().encode()
    assert judge(remake(members), policy)["ok"]
    missed = []
    for path, body in members.items():
        if not path.startswith(EVIDENCE):
            continue
        for at in range(len(body)):
            changed = bytearray(body)
            changed[at] ^= 1
            given = remake({**members, path: bytes(changed)})
            is_missed = judge(given, policy)["ok"]
            if at % 97 == 0:
                is_missed |= judge_in_browser(verifier_page, given, policy)["ok"]
            if is_missed:
                missed.append((path, at))
    assert missed == []


@pytest.mark.requirement("T-031")
@pytest.mark.requirement("T-045")
def test_no_flipped_byte_of_a_time_stamp_moves_its_time(verifier_page: Page) -> None:
    """What nothing signs in a token, such as a spare certificate, may change; the time may not."""
    members = read_zip(read_vector("good.zip"))
    policy = read_vector("no-maker.txt")
    told = judge(remake(members), policy)["sentences"][10]
    for path in ("tsa/01.tsr", "tsa/02.tsr"):
        alone = {"authority": "time.example", "path": path, "renews": None}
        others = {name: body for name, body in members.items() if name.startswith("tsa/")}
        bare = {name: body for name, body in members.items() if name not in others}
        manifest = read_json(members["manifest.json"])
        kept = {key: manifest[key] for key in ("checkpoint", "records")}
        for at in range(0, len(members[path]), 13):
            changed = bytearray(members[path])
            changed[at] ^= 1 << at % 7
            given = remake({**bare, path: bytes(changed)}, told={**kept, "timestamps": [alone]})
            for answer in (judge(given, policy), judge_in_browser(verifier_page, given, policy)):
                if answer["lines"]["timestamp"] == "ok":
                    assert answer["sentences"][10][:60] == told[:60]


def test_the_checksum_of_the_page_is_that_of_the_format(verifier_page: Page) -> None:
    ask = "(text) => mailerVerifier.parts.crc32(new TextEncoder().encode(text))"
    assert verifier_page.evaluate(ask, "a bundle") == zlib.crc32(b"a bundle")
