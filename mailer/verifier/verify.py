"""Checks a proof bundle of Mailer alone: one file, no network, nothing needed but Python and `cryptography`.

    python verify.py BUNDLE --policy FILE [--json]

Whom to trust stands in the policy file and nowhere else: keys and certificates that a bundle brings along
are ignored (T-041). Exit status: 0 when everything the policy demands is verified, 1 when something is not,
2 when the question was put wrongly. What each line proves: docs/proof-bundle.md.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LARGEST_BUNDLE = 64 * 1024 * 1024
LARGEST_POLICY = 1024 * 1024
MOST_MEMBERS = 4096
DEEPEST_JSON = 40
LARGEST_NUMBER = 2**53 - 1
MOST_SIGNATURES = 64
LONGEST_CHAIN = 8

OK, FAILED, NONE = "ok", "failed", "none"

LINES = {
    "file": "File",
    "members": "Members",
    "maker": "Maker",
    "payload": "Payload",
    "texts": "Texts",
    "mail": "Mail",
    "leaf": "Leaf",
    "inclusion": "Inclusion",
    "log": "Log signature",
    "witnesses": "Witnesses",
    "timestamp": "Time stamp",
    "events": "Later events",
}
NOT_PROVEN = (
    "That nothing else happened: what the maker left out, or what came after the checkpoint, does not show.",
    "What the mail server did with the mail after its reply.",
    "That a certificate of a time-stamp authority was not revoked meanwhile.",
)
OPERATOR_ONLY = (
    "Operator-asserted only: no witness and no time-stamp authority of the policy stands behind the "
    "checkpoint. The operator could have written this log at any time."
)


SHOWN = "That the texts were read. They were shown."
# Where a consent comes from -> who or what is not proven of it, what is not proven of the texts, and what is
# said of it as it stands.
ORIGINS = {
    "form": (
        "Who sat at the keyboard. Somebody with access to the mailbox pressed the button.",
        SHOWN,
        "Consent was given at {at}",
    ),
    "preferences": (
        (
            "Who sat at the keyboard. Somebody with a link from a mail to the address joined on the "
            "preference page."
        ),
        SHOWN,
        "Consent was given on the preference page at {at}",
    ),
    "permission": (
        (
            "Who sat at the keyboard: somebody with access to the mailbox answered the permission mail. "
            "Where the address came from before is the organisation’s word."
        ),
        SHOWN,
        "Consent was given with the button behind a permission mail at {at}",
    ),
    "elsewhere": (
        (
            "That the consent was given. Nobody confirmed it here: what is shown is the organisation’s "
            "word and the SHA-256 of a file that is not in the bundle."
        ),
        "That the words agreed to were shown or read. The organisation says what they were.",
        (
            "Consent was given elsewhere {agreed}, as the organisation says, brought here at {at}, "
            "confirmed by nobody here,"
        ),
    ),
    "unproven": (
        "That a consent was given. The organisation brought the address here and shows no proof.",
        "That any words were shown or read.",
        "A consent that nothing proves was brought here at {at}, confirmed by nobody here,",
    ),
    "not_given": (
        "Who sent the form. Anybody can type an address.",
        SHOWN,
        "No consent was given",
    ),
    "unrecorded": (
        "Who gave the consent, and how: the records do not say it.",
        "That any texts were read.",
        "A consent was recorded at {at}",
    ),
}


class Broken(Exception):
    """Something is not as it has to be; the sentence says what."""


class Unknown(Broken):
    """Something may be in order, but nobody whom the policy trusts says so."""


class PolicyBroken(Exception):
    """The policy file cannot be read; the sentence says why."""


def refuse(sentence: str) -> NoReturn:
    raise Broken(sentence)


# --- The report -----------------------------------------------------------------------------------------


@dataclass
class Report:
    """What was found: a status and a sentence for each line, what the records say, what is not proven."""

    statuses: dict[str, str] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    origins: list[str] = field(
        default_factory=lambda: ["unrecorded"]
    )  # until the payloads are verified
    is_anchored_outside: bool = False

    @property
    def is_good(self) -> bool:
        """Whether everything that is demanded is verified."""
        return len(self.statuses) == len(LINES) and FAILED not in self.statuses.values()

    @property
    def not_proven(self) -> list[str]:
        """What nobody should read into the result."""
        told = [ORIGINS[origin] for origin in self.origins]
        own = dict.fromkeys([*(one[0] for one in told), *(one[1] for one in told)])
        return [*(() if self.is_anchored_outside else (OPERATOR_ONLY,)), *own, *NOT_PROVEN]

    def put(self, line: str, status: str, sentence: str) -> None:
        """Note the result of one line."""
        self.statuses[line] = status
        self.sentences[line] = sentence

    def check(self, line: str, examine: Callable[[], tuple[str, str]]) -> bool:
        """Run one check; whatever it stumbles over is the line's failure, never a crash."""
        try:
            self.put(line, *examine())
        except Broken as broken:
            self.put(line, FAILED, str(broken))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            self.put(line, FAILED, "What stands here cannot be read as it should be.")
        return self.statuses[line] != FAILED

    def give_up(self, why: str) -> None:
        """Mark every line that was not reached as failed."""
        for line in LINES:
            if line not in self.statuses:
                self.put(line, FAILED, why)


# --- The ZIP: only the one form in which bundles are made ------------------------------------------------

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,3}")
_VERSION, _FLAGS, _STORED, _TIME, _DATE = 20, 0, 0, 0, 0x0021  # 1980-01-01, 00:00


def read_zip(body: bytes) -> dict[str, bytes]:
    """The members of a bundle. Raises Broken for every byte that is not as bundles are made.

    Members are stored, not compressed, in the order of their names, with one date and no extras: so nothing
    can blow up, hide, or be named twice, and every single byte of the file is accounted for.
    """
    if len(body) > LARGEST_BUNDLE:
        refuse(f"The file is larger than {LARGEST_BUNDLE // 2**20} MB.")
    members: dict[str, bytes] = {}
    directory, at, last = b"", 0, b""
    while body[at : at + 4] == b"PK\x03\x04":
        name, content, length = _read_member(body, at)
        if name <= last or len(members) >= MOST_MEMBERS:
            refuse("The members do not stand in order, or there are too many.")
        directory += _central_entry(name, content, at)
        members[name.decode()] = content
        at, last = at + length, name
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), at, 0)
    if not members or body[at:] != directory + end:
        refuse(
            "This is not a bundle as it was made: its ZIP directory differs, or it was packed anew."
        )
    return members


def _read_member(body: bytes, at: int) -> tuple[bytes, bytes, int]:
    if len(body) - at < _LOCAL.size:
        refuse("The file ends too early.")
    head = _LOCAL.unpack_from(body, at)
    crc, packed, size, name_length, extra_length = head[6:]
    if head[1:6] != (_VERSION, _FLAGS, _STORED, _TIME, _DATE) or packed != size or extra_length:
        refuse("This is not a bundle as it was made: the head of a member differs.")
    start = at + _LOCAL.size
    name = body[start : start + name_length]
    content = body[start + name_length : start + name_length + size]
    if not _NAME.fullmatch(name) or len(name) > 200 or len(content) != size:
        refuse("The name or the length of a member is not allowed.")
    if zlib.crc32(content) != crc:
        refuse(f"{name.decode()} was damaged on its way (checksum). Get the file again.")
    return name, content, _LOCAL.size + name_length + size


def _central_entry(name: bytes, content: bytes, at: int) -> bytes:
    crc, size = zlib.crc32(content), len(content)
    fixed = (b"PK\x01\x02", _VERSION, _VERSION, _FLAGS, _STORED, _TIME, _DATE)
    return _CENTRAL.pack(*fixed, crc, size, size, len(name), 0, 0, 0, 0, 0, at) + name


# --- JSON: only canonical bytes (RFC 8785) of I-JSON without fractions -----------------------------------


def read_json(body: bytes) -> Any:
    """The value of canonical JSON. Raises Broken for anything that is not its own canonical form (T-002)."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        refuse("A JSON member is not UTF-8.")
    depth = deepest = 0
    for mark in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        depth += (mark in "[{") - (mark in "]}")
        deepest = max(deepest, depth)
    if deepest > DEEPEST_JSON:
        refuse("A JSON member is nested too deeply.")
    try:
        value = json.loads(text, parse_float=_no_fraction, parse_constant=_no_fraction)
        canonical = canonical_json(value)
    except ValueError:
        refuse("A JSON member is damaged.")
    if canonical != body:
        refuse("A JSON member is not in canonical form, or repeats a key.")
    return value


def _no_fraction(_text: str) -> NoReturn:
    refuse("A JSON member holds a number with a fraction.")


def canonical_json(value: Any) -> bytes:
    """RFC 8785 form of strings, whole numbers, booleans, null, lists and objects."""
    try:
        return "".join(_canonical(value)).encode()
    except UnicodeEncodeError:
        refuse("A JSON member holds half a character.")


def _canonical(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        opening = "{"
        for key in sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass")):
            yield f"{opening}{json.dumps(key, ensure_ascii=False)}:"
            yield from _canonical(value[key])
            opening = ","
        yield "}" if value else "{}"
    elif isinstance(value, list):
        yield "["
        for number, item in enumerate(value):
            if number:
                yield ","
            yield from _canonical(item)
        yield "]"
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_NUMBER:
        refuse("A JSON member holds a number that is too large.")
    else:
        yield json.dumps(value, ensure_ascii=False)


# --- Keys, signed notes, the policy ----------------------------------------------------------------------

SIGNATURE, COSIGNATURE = 1, 4


@dataclass(frozen=True)
class Key:
    """A verifier key of C2SP signed-note: Ed25519, as a signature (1) or a witness's cosignature (4)."""

    name: str
    id: bytes
    public: bytes

    @classmethod
    def read(cls, text: str, kind: int) -> Key:
        """The key in `text`. Raises ValueError."""
        name, id_hex, encoded = text.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if not name or id_hex != key_id.hex() or raw[:1] != bytes([kind]) or len(raw) != 33:
            raise ValueError(text)
        return cls(name, key_id, raw[1:])

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the Ed25519 `signature`."""
        return verify_ed25519(self.public, signature, message)


def verify_ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 `signature` of `message` is by `public` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True)
class Note:
    """A signed note: its text with the final newline, and its signature lines as (name, bytes)."""

    text: str
    signatures: list[tuple[str, bytes]]

    @classmethod
    def read(cls, body: bytes) -> Note:
        """The note in `body`. Raises Broken."""
        try:
            whole = body.decode()
        except UnicodeDecodeError:
            refuse("A signed note is not UTF-8.")
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not lines.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", whole):
            refuse("A signed note has not the form it has to have.")
        signatures = [_read_signature(line) for line in lines[:-1].split("\n")]
        if len(signatures) > MOST_SIGNATURES:
            refuse("A signed note has too many signatures.")
        return cls(f"{text}\n", signatures)

    def signed_by(self, keys: list[Key]) -> list[Key]:
        """Which of `keys` signed. Raises Broken when a signature under one of them is wrong (T-016)."""
        found = []
        for key in keys:
            for name, raw in self.signatures:
                if name != key.name or raw[:4] != key.id:
                    continue
                if not key.verify(raw[4:], self.text.encode()):
                    refuse(f"A signature under the name of {key.name} is wrong.")
                found.append(key)
        return found

    def cosigned_by(self, key: Key) -> int | None:
        """When the witness cosigned, in seconds since 1970; None when it did not. Raises Broken (T-016)."""
        at = None
        for name, raw in self.signatures:
            if name != key.name or raw[:4] != key.id:
                continue
            seconds = int.from_bytes(raw[4:12], "big")
            message = f"cosignature/v1\ntime {seconds}\n{self.text}".encode()
            if len(raw) != 76 or seconds >= 2**63 or not key.verify(raw[12:], message):
                refuse(f"The cosignature under the name of {key.name} is wrong.")
            at = seconds
        return at


def _read_signature(line: str) -> tuple[str, bytes]:
    found = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
    if found is None:
        refuse("A signature line has not the form it has to have.")
    try:
        raw = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        refuse("A signature line is damaged.")
    if len(raw) < 5 or base64.b64encode(raw).decode() != found[2]:
        refuse("A signature line is damaged.")
    return found[1], raw


@dataclass
class Policy:
    """Whom to trust: logs, witnesses and how many of them, time-stamp authorities, makers of bundles."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str = ""
    tsa_roots: list[bytes] = field(default_factory=list)
    tsa_policies: list[str] = field(default_factory=list)
    tsa_quorum: str = ""
    signers: list[Key] = field(default_factory=list)
    members: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, body: bytes) -> Policy:
        """The policy in `body` (C2SP tlog-policy, with our own demands as `#! ` lines). Raises PolicyBroken."""
        if len(body) > LARGEST_POLICY or re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", body):
            raise PolicyBroken("The policy holds characters that are not allowed, or is too large.")
        policy = cls()
        for number, line in enumerate(body.decode("utf-8", "surrogateescape").split("\n"), 1):
            words = [word for word in re.split(r"[ \t]+", line) if word]
            if not words or (words[0].startswith("#") and words[0] != "#!"):
                continue
            try:
                policy.read_line(words[1:] if words[0] == "#!" else words, is_ours=words[0] == "#!")
            except (ValueError, IndexError):
                raise PolicyBroken(f"Line {number} of the policy cannot be understood.") from None
        if not policy.quorum:
            raise PolicyBroken("The policy has no quorum line (`quorum none` demands no witness).")
        return policy

    def read_line(self, words: list[str], *, is_ours: bool) -> None:
        """Take in one line. Raises ValueError when it is none of those that are known."""
        keyword, given = words[0], words[1:]
        known = {
            "log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum,
        }  # fmt: skip
        ours = {
            "tsa-root": self._tsa_root, "tsa-policy": self._tsa_policy,
            "tsa-quorum": self._tsa_quorum, "signer": self._signer,
        }  # fmt: skip
        reader = (ours if is_ours else known).get(keyword)
        if reader is None:
            raise ValueError(keyword)
        reader(given)

    def _log(self, given: list[str]) -> None:
        key = Key.read(given[0], SIGNATURE)
        self._take(len(given) <= 2 and key.public not in {known.public for known in self.logs})
        self.logs.append(key)

    def _witness(self, given: list[str]) -> None:
        key = Key.read(given[1], COSIGNATURE)
        is_new = key.public not in {known.public for known in self.witnesses.values()}
        self._take(len(given) <= 3 and is_new and self._is_free(given[0]))
        self.witnesses[given[0]] = key

    def _group(self, given: list[str]) -> None:
        name, wanted, *members = given
        number = {"any": "1", "all": str(len(members))}.get(wanted, wanted)
        self._take(self._is_free(name) and bool(re.fullmatch(r"[1-9][0-9]{0,3}", number)))
        self._take(int(number) <= len(members) and len(set(members)) == len(members))
        for member in members:
            self._take(self._is_defined(member) and member not in self.members)
            self.members.add(member)
        self.groups[name] = (int(number), members)

    def _quorum(self, given: list[str]) -> None:
        (name,) = given
        self._take(not self.quorum and (name == "none" or self._is_defined(name)))
        self.quorum = name

    def _tsa_root(self, given: list[str]) -> None:
        (encoded,) = given
        self.tsa_roots.append(base64.b64decode(encoded, validate=True))
        try:
            Certificate.read(self.tsa_roots[-1])
        except (Broken, ValueError, IndexError):
            raise ValueError(encoded) from None

    def _tsa_policy(self, given: list[str]) -> None:
        (oid,) = given
        self._take(bool(re.fullmatch(r"[0-9]+(\.[0-9]+)+", oid)))
        self.tsa_policies.append(oid)

    def _tsa_quorum(self, given: list[str]) -> None:
        (word,) = given
        self._take(word in ("none", "any") and not self.tsa_quorum)
        self.tsa_quorum = word

    def _signer(self, given: list[str]) -> None:
        (vkey,) = given
        self.signers.append(Key.read(vkey, SIGNATURE))

    def _is_defined(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _is_free(self, name: str) -> bool:
        return name != "none" and not self._is_defined(name)

    @staticmethod
    def _take(condition: bool) -> None:
        if not condition:
            raise ValueError

    def is_reached(self, name: str, cosigned: set[str]) -> bool:
        """Whether the witness or group `name` stands behind a checkpoint that `cosigned` cosigned."""
        if name in self.witnesses:
            return name in cosigned
        wanted, members = self.groups[name]
        return sum(self.is_reached(member, cosigned) for member in members) >= wanted


# --- The Merkle tree (RFC 6962) and its checkpoint -------------------------------------------------------

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: whose, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def read(cls, note: Note) -> Checkpoint:
        """The checkpoint that `note` states. Raises Broken (T-013)."""
        lines = note.text.split("\n")
        if len(lines) != 4 or not lines[0] or not _NUMBER.fullmatch(lines[1]):
            refuse("The checkpoint has not the form it has to have.")
        return cls(lines[0], int(lines[1]), read_hash(lines[2]))


def read_hash(text: str) -> bytes:
    """32 bytes in base64. Raises Broken."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        refuse("A hash is damaged.")
    if len(raw) != 32 or base64.b64encode(raw).decode() != text:
        refuse("A hash is damaged.")
    return raw


@dataclass(frozen=True)
class Inclusion:
    """A tlog-proof: which position, the path to the root, and the checkpoint it leads to, as bytes."""

    position: int
    path: list[bytes]
    checkpoint: bytes

    @classmethod
    def read(cls, body: bytes) -> Inclusion:
        """The proof in `body` (C2SP tlog-proof). Raises Broken. Its extra data is ignored (T-042)."""
        head, blank, checkpoint = body.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        if not blank or lines[0] != "c2sp.org/tlog-proof@v1":
            refuse("A proof of inclusion has not the form it has to have.")
        if len(lines) > 1 and lines[1].startswith("extra "):
            del lines[1]
        index = lines[1].removeprefix("index ") if len(lines) > 1 else ""
        if len(lines) < 2 or lines[1] != f"index {index}" or not _NUMBER.fullmatch(index):
            refuse("A proof of inclusion names no position.")
        if len(lines) > 2 + 63:
            refuse("A proof of inclusion is too long.")
        return cls(int(index), [read_hash(line) for line in lines[2:]], checkpoint)

    def leads_from(self, leaf: bytes, checkpoint: Checkpoint) -> bool:
        """Whether the path leads from `leaf` at this position to the checkpoint's root."""
        place, last = self.position, checkpoint.size - 1
        if place > last:
            return False
        found = hashlib.sha256(b"\x00" + leaf).digest()
        for sibling in self.path:
            if last == 0:
                return False
            if place & 1 or place == last:
                found = hashlib.sha256(b"\x01" + sibling + found).digest()
                while not place & 1 and place:
                    place, last = place >> 1, last >> 1
            else:
                found = hashlib.sha256(b"\x01" + found + sibling).digest()
            place, last = place >> 1, last >> 1
        return last == 0 and found == checkpoint.root


# --- Time stamps (RFC 3161): a small reader of DER, certificates, and the token --------------------------


@dataclass(frozen=True)
class Der:
    """One value in DER: its tag, its contents, and its bytes with head."""

    tag: int
    content: bytes
    whole: bytes

    @classmethod
    def read(cls, body: bytes) -> Der:
        """The one value that `body` is. Raises Broken."""
        value, rest = cls.read_first(body)
        if rest:
            refuse("A DER value is followed by something.")
        return value

    @classmethod
    def read_first(cls, body: bytes) -> tuple[Der, bytes]:
        """The first value of `body`, and what follows it. Raises Broken."""
        if len(body) < 2 or body[0] & 0x1F == 0x1F:
            refuse("A DER value is damaged.")
        length, start = body[1], 2
        if length > 0x84 or length == 0x80:
            refuse("A DER value is damaged.")
        if length > 0x80:
            start = 2 + length - 0x80
            length = int.from_bytes(body[2:start], "big")
            if length < 0x80 or length >> (8 * (start - 3)) == 0:
                refuse("A DER value is not in its shortest form.")
        if len(body) < start + length:
            refuse("A DER value ends too early.")
        return cls(body[0], body[start : start + length], body[: start + length]), body[
            start + length :
        ]

    def parts(self) -> list[Der]:
        """The values inside."""
        found, rest = [], self.content
        while rest:
            value, rest = Der.read_first(rest)
            found.append(value)
        return found

    def expect(self, tag: int) -> Der:
        """The value itself. Raises Broken when it is of another kind."""
        if self.tag != tag:
            refuse("A DER value is of another kind than it has to be.")
        return self

    def number(self) -> int:
        """A whole number that is not negative."""
        self.expect(0x02)
        if not self.content or self.content[0] & 0x80:
            refuse("A DER number is damaged.")
        return int.from_bytes(self.content, "big")

    def oid(self) -> str:
        """An object identifier in dots."""
        self.expect(0x06)
        numbers, value = [], 0
        for byte in self.content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(value)
                value = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(str(number) for number in (first, numbers[0] - 40 * first, *numbers[1:]))

    def time(self) -> str:
        """A moment as `YYYYMMDDhhmmss`, UTC; fractions of a second are left out."""
        text = self.content.decode("ascii", "replace")
        if self.tag == 0x17 and re.fullmatch(r"[0-9]{12}Z", text):
            return ("19" if text[:2] >= "50" else "20") + text[:12]
        if self.tag == 0x18 and re.fullmatch(r"[0-9]{14}(\.[0-9]+)?Z", text):
            return text[:14]
        refuse("A moment in a DER value is damaged.")


SEQUENCE, SET, OCTETS, CONTEXT = 0x30, 0x31, 0x04, 0xA0
_DIGESTS: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": ("sha256", hashes.SHA256()),
    "2.16.840.1.101.3.4.2.2": ("sha384", hashes.SHA384()),
    "2.16.840.1.101.3.4.2.3": ("sha512", hashes.SHA512()),
}
# Signature algorithm -> the digest it names, or none when the digest is named beside it.
_SIGNATURES = {
    "1.2.840.113549.1.1.1": "",
    "1.2.840.113549.1.1.11": "2.16.840.1.101.3.4.2.1",
    "1.2.840.113549.1.1.12": "2.16.840.1.101.3.4.2.2",
    "1.2.840.113549.1.1.13": "2.16.840.1.101.3.4.2.3",
    "1.2.840.10045.4.3.2": "2.16.840.1.101.3.4.2.1",
    "1.2.840.10045.4.3.3": "2.16.840.1.101.3.4.2.2",
    "1.2.840.10045.4.3.4": "2.16.840.1.101.3.4.2.3",
}
_CONSTRAINTS, _USAGE, _EXTENDED_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
_UNDERSTOOD = {_CONSTRAINTS, _USAGE, _EXTENDED_USAGE, "2.5.29.32"}
_TIME_STAMPING = "1.3.6.1.5.5.7.3.8"


@dataclass(frozen=True)
class Certificate:
    """What has to be known of an X.509 certificate."""

    whole: bytes
    signed: bytes
    algorithm: str
    signature: bytes
    serial: int
    issuer: bytes
    subject: bytes
    since: str
    until: str
    key: bytes
    extensions: dict[str, tuple[bool, bytes]]

    @classmethod
    def read(cls, body: bytes) -> Certificate:
        """The certificate in `body` (DER). Raises Broken."""
        signed, algorithm, signature = Der.read(body).expect(SEQUENCE).parts()
        fields = signed.expect(SEQUENCE).parts()
        if fields[0].tag == CONTEXT:
            del fields[0]
        serial, _, issuer, validity, subject, key = fields[:6]
        since, until = validity.expect(SEQUENCE).parts()
        extensions: dict[str, tuple[bool, bytes]] = {}
        for more in fields[6:]:
            if more.tag == CONTEXT + 3:
                extensions = _read_extensions(Der.read(more.content))
        return cls(
            body, signed.whole, algorithm.parts()[0].oid(), _bits(signature), serial.number(),
            issuer.whole, subject.whole, since.time(), until.time(), key.whole, extensions,
        )  # fmt: skip

    @property
    def may_certify(self) -> bool:
        """Whether it may vouch for other certificates."""
        _, constraints = self.extensions.get(_CONSTRAINTS, (False, b"\x30\x00"))
        parts = Der.read(constraints).parts()
        is_authority = bool(parts) and parts[0].tag == 0x01 and parts[0].content == b"\xff"
        _, usage = self.extensions.get(_USAGE, (False, b"\x03\x02\x02\x04"))
        flags = _bits(Der.read(usage), is_flags=True)
        return is_authority and bool(flags) and bool(flags[0] & 0x04)

    @property
    def may_stamp(self) -> bool:
        """Whether it is for time stamps and nothing else, and says so as binding (RFC 3161, 2.3)."""
        is_critical, usage = self.extensions.get(_EXTENDED_USAGE, (False, b"\x30\x00"))
        return is_critical and [part.oid() for part in Der.read(usage).parts()] == [_TIME_STAMPING]

    @property
    def is_understood(self) -> bool:
        """Whether every extension it calls critical is one that is looked at here."""
        return all(
            name in _UNDERSTOOD for name, (is_critical, _) in self.extensions.items() if is_critical
        )


def _read_extensions(sequence: Der) -> dict[str, tuple[bool, bytes]]:
    found: dict[str, tuple[bool, bytes]] = {}
    for extension in sequence.expect(SEQUENCE).parts():
        name, *critical, value = extension.parts()
        if name.oid() in found:
            refuse("A certificate repeats an extension.")
        is_critical = bool(critical) and critical[0].content == b"\xff"
        found[name.oid()] = (is_critical, value.expect(OCTETS).content)
    return found


def _bits(value: Der, *, is_flags: bool = False) -> bytes:
    value.expect(0x03)
    if not value.content or (value.content[0] and not is_flags):
        refuse("A DER string of bits is damaged.")
    return value.content[1:]


def verify_with(key: bytes, algorithm: str, digest: str, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is by the public key (SubjectPublicKeyInfo): RSA PKCS#1 v1.5 or ECDSA."""
    _, digest_with = _DIGESTS[_SIGNATURES[algorithm] or digest]
    try:
        public = serialization.load_der_public_key(key)
        if isinstance(public, rsa.RSAPublicKey) and algorithm.startswith("1.2.840.113549."):
            public.verify(signature, message, padding.PKCS1v15(), digest_with)
            return True
        if isinstance(public, ec.EllipticCurvePublicKey) and algorithm.startswith("1.2.840.10045."):
            public.verify(signature, message, ec.ECDSA(digest_with))
            return True
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return False


@dataclass(frozen=True)
class TimeStamp:
    """A verified token: when it was made, and until when the signer's certificate lasts."""

    at: str
    until: str


def verify_timestamp(response: bytes, stamped: bytes, policy: Policy) -> TimeStamp:
    """The time at which an authority of the policy saw `stamped`. Raises Broken (T-031)."""
    status, *tokens = Der.read(response).expect(SEQUENCE).parts()
    if status.parts()[0].number() not in (0, 1) or len(tokens) != 1:
        refuse("The authority did not grant this time stamp.")
    content_type, wrapped = tokens[0].expect(SEQUENCE).parts()
    if content_type.oid() != "1.2.840.113549.1.7.2":
        refuse("The time stamp is not signed.")
    signed = Der.read(wrapped.expect(CONTEXT).content).expect(SEQUENCE).parts()
    _, _, encapsulated, *more, signers = signed
    stamp_type, octets = encapsulated.expect(SEQUENCE).parts()
    if stamp_type.oid() != "1.2.840.113549.1.9.16.1.4":
        refuse("The token is no time stamp.")
    stamp = Der.read(octets.expect(CONTEXT).content).expect(OCTETS).content
    at = _read_stamp(stamp, stamped, policy)
    certificates = [
        Certificate.read(item.whole)
        for part in more if part.tag == CONTEXT
        for item in part.parts() if item.tag == SEQUENCE
    ]  # fmt: skip
    (signer,) = signers.expect(SET).parts()
    certificate = _verify_signer(signer, stamp, certificates)
    _verify_chain(certificate, certificates, policy, at)
    return TimeStamp(at, certificate.until)


def _read_stamp(stamp: bytes, stamped: bytes, policy: Policy) -> str:
    version, stamp_policy, imprint, _, at, *_ = Der.read(stamp).expect(SEQUENCE).parts()
    algorithm, digest = imprint.expect(SEQUENCE).parts()
    if version.number() != 1 or algorithm.parts()[0].oid() != "2.16.840.1.101.3.4.2.1":
        refuse("The time stamp is of a kind that is not known.")
    if digest.expect(OCTETS).content != hashlib.sha256(stamped).digest():
        refuse("The time stamp is about something else.")
    if policy.tsa_policies and stamp_policy.oid() not in policy.tsa_policies:
        refuse("The time stamp was made under other rules than the policy asks for.")
    return at.expect(0x18).time()


def _verify_signer(signer: Der, stamp: bytes, certificates: list[Certificate]) -> Certificate:
    _, who, digest, attributes, algorithm, signature, *_ = signer.expect(SEQUENCE).parts()
    attributes.expect(CONTEXT)
    certificate = _find_signer(who, certificates)
    digest_oid = digest.parts()[0].oid()
    values: dict[str, Der] = {}
    for attribute in attributes.parts():
        name, items = attribute.expect(SEQUENCE).parts()
        (item,) = items.expect(SET).parts()
        if name.oid() in values:
            refuse("The time stamp repeats an attribute.")
        values[name.oid()] = item
    if values["1.2.840.113549.1.9.3"].oid() != "1.2.840.113549.1.9.16.1.4":
        refuse("The signature is not about a time stamp.")
    expected = hashlib.new(_DIGESTS[digest_oid][0], stamp).digest()
    if values["1.2.840.113549.1.9.4"].expect(OCTETS).content != expected:
        refuse("The time stamp was changed after it was signed.")
    _verify_binding(values, certificate)
    message = bytes([SET]) + attributes.whole[1:]
    oid = algorithm.parts()[0].oid()
    if not verify_with(certificate.key, oid, digest_oid, signature.expect(OCTETS).content, message):
        refuse("The signature of the time stamp is wrong.")
    return certificate


def _find_signer(who: Der, certificates: list[Certificate]) -> Certificate:
    if who.tag == CONTEXT:
        refuse("The time stamp names its signer in a way that is not known.")
    issuer, serial = who.expect(SEQUENCE).parts()
    for certificate in certificates:
        if (certificate.issuer, certificate.serial) == (issuer.whole, serial.number()):
            return certificate
    refuse("The certificate of the time stamp's signer is missing.")


def _verify_binding(values: dict[str, Der], certificate: Certificate) -> None:
    """The signed attributes name the signer's certificate by its hash (RFC 2634, RFC 5035)."""
    second = values.get("1.2.840.113549.1.9.16.2.47")
    if second is not None:
        first_of_list = second.expect(SEQUENCE).parts()[0].expect(SEQUENCE).parts()[0]
        parts = first_of_list.parts()
        name = _DIGESTS[parts[0].parts()[0].oid()][0] if parts[0].tag == SEQUENCE else "sha256"
        given = parts[1] if parts[0].tag == SEQUENCE else parts[0]
        expected = hashlib.new(name, certificate.whole).digest()
    else:
        first = values["1.2.840.113549.1.9.16.2.12"]
        given = first.expect(SEQUENCE).parts()[0].expect(SEQUENCE).parts()[0].parts()[0]
        expected = hashlib.sha1(certificate.whole, usedforsecurity=False).digest()
    if given.expect(OCTETS).content != expected:
        refuse("The time stamp names another certificate than the one that is there.")


def _verify_chain(
    certificate: Certificate, known: list[Certificate], policy: Policy, at: str
) -> None:
    if not certificate.may_stamp:
        refuse("The certificate is not one for time stamps only.")
    roots = [Certificate.read(root) for root in policy.tsa_roots]
    current = certificate
    for _ in range(LONGEST_CHAIN):
        if not current.since <= at <= current.until or not current.is_understood:
            refuse("A certificate of the time stamp was not valid at that moment.")
        if any(current.whole == root.whole for root in roots):
            return
        issuer = _find_issuer(current, roots) or _find_issuer(current, known)
        if issuer is None:
            break
        current = issuer
    raise Unknown("The time stamp does not lead to an authority of the policy.")


def _find_issuer(certificate: Certificate, among: list[Certificate]) -> Certificate | None:
    for candidate in among:
        if candidate.subject != certificate.issuer or not candidate.may_certify:
            continue
        algorithm, signature = certificate.algorithm, certificate.signature
        if _SIGNATURES.get(algorithm) and verify_with(
            candidate.key, algorithm, "", signature, certificate.signed
        ):
            return candidate
    return None


# --- The bundle ------------------------------------------------------------------------------------------

SCHEMA = "mailer.bundle/1"
ALGORITHM = "sha256-salted-jcs-v1"
WHOLE = "The mail is there byte for byte"
BLOTTED = "The mail is there as it left, but for the secrets of its links, which are blotted out"
PRESSED = f"{BLOTTED}; the link that was pressed stood in it"
UNNAMED = (
    "The mail is shown with the secrets of its links blotted out. The record is older than that and names "
    "only the whole mail, so what is shown rests on the maker's word"
)
DOMAIN = b"mailer.consent.v1\x00"
GIVEN = ("given", "renewed")
TEXTS = ("definition_sha256", "notice_sha256", "page_sha256", "shown_sha256", "wording_sha256")
LEAF_KEYS = {"alg", "commitment", "id", "organisation", "time", "type"}
MANIFEST, MANIFEST_NOTE = "manifest.json", "manifest.note"
LOG_NOTE, COSIGNED_NOTE = "checkpoint/checkpoint.note", "checkpoint/cosigned.note"
NOT_ANCHORED = (
    "Not yet anchored: no checkpoint of the log covers every record. "
    "Ask for a new bundle in a minute."
)


@dataclass
class Bundle:
    """A bundle as it was read: its members and its manifest."""

    members: dict[str, bytes]
    manifest: dict[str, Any]

    @property
    def records(self) -> list[dict[str, Any]]:
        """What the manifest says of each record, oldest first."""
        found: list[dict[str, Any]] = self.manifest["records"]
        return found

    def member(self, path: str) -> bytes:
        """The bytes of a member. Raises Broken when it is missing."""
        if path not in self.members:
            refuse(f"{path} is missing.")
        return self.members[path]

    def of_record(self, record: dict[str, Any], name: str) -> bytes:
        """A member in the directory of a record. Raises Broken when it is missing."""
        return self.member(f"{record['directory']}/{name}")

    def payloads(self) -> list[dict[str, Any]]:
        """The payloads of all records, oldest first. Raises Broken."""
        return [read_json(self.of_record(record, "payload.json")) for record in self.records]

    def cosigned_note(self) -> Note:
        """The checkpoint with all its signatures. Raises Broken when there is none."""
        if self.manifest["checkpoint"] is None:
            refuse(NOT_ANCHORED)
        return Note.read(self.member(COSIGNED_NOTE))


def verify(body: bytes, policy: Policy) -> Report:
    """Check the bundle `body` against `policy`; never raises for anything that may stand in a bundle."""
    report, found = Report(), Bundle({}, {})

    def read_members() -> tuple[str, str]:
        found.members = read_zip(body)
        return OK, "The file is a bundle as it was made, to the last byte."

    def read_manifest() -> tuple[str, str]:
        found.manifest = read_json(found.member(MANIFEST))
        return check_members(found)

    if not report.check("file", read_members):
        report.give_up("Not checked, for the file is damaged.")
        return report
    if not report.check("members", read_manifest) and not _has_shape(found.manifest):
        report.give_up("Not checked, for the list of members cannot be read.")
        return report
    report.check("maker", lambda: check_maker(found, policy))
    report.check("payload", lambda: check_payloads(found, report))
    report.check("texts", lambda: check_texts(found))
    report.check("mail", lambda: check_mails(found))
    report.check("leaf", lambda: check_leaves(found))
    report.check("inclusion", lambda: check_inclusion(found))
    report.check("log", lambda: check_log(found, policy))
    report.check("witnesses", lambda: check_witnesses(found, policy, report))
    report.check("timestamp", lambda: check_timestamps(found, policy, report))
    report.check("events", lambda: check_events(found, report))
    return report


def _has_shape(manifest: Any) -> bool:
    return (
        isinstance(manifest, dict)
        and {"checkpoint", "records", "timestamps", "members"} <= manifest.keys()
        and isinstance(manifest["records"], list)
        and bool(manifest["records"])
        and all(
            isinstance(record, dict) and isinstance(record.get("directory"), str)
            for record in manifest["records"]
        )
    )


def check_members(bundle: Bundle) -> tuple[str, str]:
    """Every member is listed with its length and hash, and nothing else is there."""
    if not _has_shape(bundle.manifest) or bundle.manifest.get("schema") != SCHEMA:
        refuse("The list of members has not the form it has to have.")
    listed = {
        entry["path"]: (entry["bytes"], entry["sha256"]) for entry in bundle.manifest["members"]
    }
    if len(listed) != len(bundle.manifest["members"]):
        refuse("The list of members names one twice.")
    there = bundle.members.keys() - {MANIFEST, MANIFEST_NOTE}
    strays = sorted(there ^ listed.keys())
    if strays:
        refuse(f"{strays[0]} is missing, or is there without being listed.")
    for path, (size, sha256) in listed.items():
        body = bundle.members[path]
        if len(body) != size or hashlib.sha256(body).hexdigest() != sha256:
            refuse(f"{path} was changed.")
    return OK, f"All {len(listed)} members are as the list says."


def check_maker(bundle: Bundle, policy: Policy) -> tuple[str, str]:
    """The list of members, and so every byte of the bundle, is signed by a maker whom the policy names."""
    sha256 = hashlib.sha256(bundle.member(MANIFEST)).hexdigest()
    note = Note.read(bundle.member(MANIFEST_NOTE))
    if note.text != f"{SCHEMA}\n{sha256}\n":
        refuse("The list of members was changed after it was signed.")
    if not policy.signers:
        return NONE, (
            "The policy names no maker. README and summary can have been changed by anybody; what the "
            "lines below say does not depend on them."
        )
    by = note.signed_by(policy.signers)
    if not by:
        refuse("The bundle is not signed by a maker whom the policy names.")
    return OK, f"Put together and signed by {by[0].name}, README and summary included."


def check_payloads(bundle: Bundle, report: Report) -> tuple[str, str]:
    """Each payload is the one that its leaf commits to; all are about one person and one list, or measuring."""
    for record, payload in zip(bundle.records, bundle.payloads(), strict=True):
        salt = re.fullmatch(rb"([0-9a-f]{64})\n", bundle.of_record(record, "salt.hex"))
        if salt is None:
            refuse(f"The salt of {record['id']} is damaged.")
        body = bundle.of_record(record, "payload.json")
        sealed = hashlib.sha256(DOMAIN + bytes.fromhex(salt[1].decode()) + body).hexdigest()
        if read_json(bundle.of_record(record, "leaf.json"))["commitment"] != sealed:
            refuse(f"The payload of {record['id']} is not the one that was committed to.")
        if (payload["record"], payload["state"]) != (record["id"], record["state"]):
            refuse("The list of members tells of other records than there are.")
    _check_one_matter(bundle.payloads())
    report.origins = origins_of(bundle.payloads())
    return (
        OK,
        f"The payloads of all {len(bundle.records)} records are those that were committed to.",
    )


def _check_one_matter(payloads: list[dict[str, Any]]) -> None:
    about = {(item["organisation"], item["matter"], _list_id(item)) for item in payloads}
    if len(about) != 1:
        refuse("The records are about more than one list.")
    linked: list[set[str]] = []
    for payload in payloads:
        names = {f"subject {payload['subject']}", f"record {payload['record']}"}
        names |= {f"record {payload[key]}" for key in ("follows", "ends") if payload[key]}
        address = address_in(payload)
        if address:
            names.add(f"address {address.lower()}")
        apart = [group for group in linked if not group & names]
        joined = names.union(*(group for group in linked if group & names))
        linked = [*apart, joined]
    if len(linked) != 1:
        refuse("The records are about more than one person.")


def _list_id(payload: dict[str, Any]) -> str | None:
    """The list that a record is about; a record about measuring is about none."""
    if (payload["matter"] == "tracking") != (payload["mailing_list"] is None):
        refuse("A record is neither about a list nor about measuring.")
    return None if payload["mailing_list"] is None else str(payload["mailing_list"]["id"])


def address_in(payload: dict[str, Any]) -> str:
    """The address that was typed into the form or imported, where the payload holds one."""
    evidence = payload["evidence"]
    submission = evidence.get("submission") or evidence.get("imported") or evidence
    return str(submission.get("address") or "")


def check_texts(bundle: Bundle) -> tuple[str, str]:
    """Every text that a payload names is there word for word, and the form shows the boxes as recorded."""
    count = 0
    for payload in bundle.payloads():
        for sha256 in sorted(set(_named(payload["evidence"]))):
            body = _text(bundle, sha256)
            if hashlib.sha256(body).hexdigest() != sha256:
                refuse(f"The text {sha256[:12]} was changed.")
            count += 1
        _check_controls(bundle, payload["evidence"])
    if not count:
        return NONE, "The records name no text."
    return OK, f"The texts are there word for word ({count} times named in the payloads)."


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in TEXTS and isinstance(item, str) and item:
                yield item
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _text(bundle: Bundle, sha256: str) -> bytes:
    for ending in ("json", "txt", "html"):
        if f"texts/{sha256}.{ending}" in bundle.members:
            return bundle.members[f"texts/{sha256}.{ending}"]
    refuse(f"The text {sha256[:12]}, which a payload names, is missing.")


def _check_controls(bundle: Bundle, evidence: dict[str, Any]) -> None:
    submission = evidence.get("submission") or evidence
    if not submission.get("definition_sha256") or not submission.get("controls"):
        return
    form = read_json(_text(bundle, submission["definition_sha256"]))
    offered = {control["label"] for control in form["definition"]["controls"]}
    for control in submission["controls"]:
        if control["label"] not in offered:
            refuse("A box of the payload is not in the form that was shown.")


def check_mails(bundle: Bundle) -> tuple[str, str]:
    """The confirmation mails are there, as they left or with the secrets of their links blotted out."""
    replies, manners = [], []
    for payload in bundle.payloads():
        mail = payload["evidence"].get("confirmation_mail")
        if not mail:
            continue
        manners.append(_check_mail(bundle, mail, payload["evidence"].get("confirmation") or {}))
        replies.append(f"{mail['outcome']}, {mail['reply_code']} {mail['reply_text']}".strip())
    if not replies:
        return NONE, "The records name no confirmation mail."
    status = NONE if UNNAMED in manners else OK
    manner = UNNAMED if UNNAMED in manners else manners[-1]
    return status, f"{manner}; the mail server said: {replies[-1]}"


def _check_mail(bundle: Bundle, mail: dict[str, Any], act: dict[str, Any]) -> str:
    """In which manner a mail is there. A link's secret is blotted out, for it would act for the person."""
    whole, blotted = str(mail["sha256"]), mail.get("blotted_sha256")
    if blotted is None and f"mail/{whole}.eml" not in bundle.members:
        bundle.member(f"mail/{whole}.blotted.eml")
        return UNNAMED
    named = whole if blotted is None else str(blotted)
    if hashlib.sha256(bundle.member(f"mail/{named}.eml")).hexdigest() != named:
        refuse("The confirmation mail was changed.")
    if blotted is None:
        return WHOLE
    return PRESSED if act.get("token_sha256") in mail["link_sha256s"] else BLOTTED


def check_leaves(bundle: Bundle) -> tuple[str, str]:
    """Each leaf belongs to its payload and holds six plain strings, none of them personal (T-004)."""
    organisations = set()
    for record, payload in zip(bundle.records, bundle.payloads(), strict=True):
        leaf = read_json(bundle.of_record(record, "leaf.json"))
        if leaf.keys() != LEAF_KEYS or not all(isinstance(item, str) for item in leaf.values()):
            refuse(f"The leaf of {record['id']} has not the form it has to have.")
        if (leaf["type"], leaf["alg"]) != ("consent", ALGORITHM):
            refuse(f"The leaf of {record['id']} is of a kind that is not known.")
        if (leaf["id"], leaf["time"]) != (payload["record"], payload["recorded_at"]):
            refuse(f"The leaf of {record['id']} belongs to another payload.")
        organisations.add(leaf["organisation"])
    if len(organisations) != 1:
        refuse("The leaves are of more than one organisation.")
    return OK, "Each leaf belongs to its payload, and holds nothing personal."


def check_inclusion(bundle: Bundle) -> tuple[str, str]:
    """Each leaf is in the tree whose root the checkpoint states."""
    note = bundle.cosigned_note()
    checkpoint = Checkpoint.read(note)
    stated = bundle.manifest["checkpoint"]
    if (stated["origin"], stated["size"]) != (checkpoint.origin, checkpoint.size):
        refuse("The list of members tells of another checkpoint than there is.")
    for record in bundle.records:
        if record["position"] is None:
            refuse(NOT_ANCHORED)
        proof = Inclusion.read(bundle.of_record(record, "inclusion.tlog-proof"))
        if proof.position != record["position"] or proof.checkpoint != bundle.member(COSIGNED_NOTE):
            refuse(f"The proof of {record['id']} leads to another place than the list says.")
        if not proof.leads_from(bundle.of_record(record, "leaf.json"), checkpoint):
            refuse(f"The leaf of {record['id']} is not in the tree of the checkpoint.")
    return OK, f"Every leaf is in the log {checkpoint.origin} of {checkpoint.size} leaves."


def check_log(bundle: Bundle, policy: Policy) -> tuple[str, str]:
    """The checkpoint is signed by a log of the policy."""
    note = bundle.cosigned_note()
    keys = [key for key in policy.logs if key.name == Checkpoint.read(note).origin]
    alone = bundle.member(LOG_NOTE)
    if not bundle.member(COSIGNED_NOTE).startswith(alone) or Note.read(alone).text != note.text:
        refuse("The checkpoint with and without cosignatures are not the same.")
    if not note.signed_by(keys) or not Note.read(alone).signed_by(keys):
        refuse("The checkpoint is not signed by a log of the policy.")
    return OK, f"The checkpoint is signed by {keys[0].name}, which the policy names."


def check_witnesses(bundle: Bundle, policy: Policy, report: Report) -> tuple[str, str]:
    """Enough witnesses of the policy saw the same log growing, never rewritten."""
    note = bundle.cosigned_note()
    times = {name: note.cosigned_by(key) for name, key in policy.witnesses.items()}
    cosigned = {name for name, at in times.items() if at is not None}
    report.is_anchored_outside = report.is_anchored_outside or bool(cosigned)
    count = f"{len(cosigned)} of {len(policy.witnesses)}: {', '.join(sorted(cosigned))}"
    if policy.quorum == "none":
        if cosigned:
            return OK, f"None demanded; cosigned by {count}."
        return NONE, "None demanded (quorum none), and none is there."
    if not policy.is_reached(policy.quorum, cosigned):
        refuse(f"Quorum not reached ({count.removesuffix(': ')}).")
    return OK, f"Quorum reached ({count})."


def check_timestamps(bundle: Bundle, policy: Policy, report: Report) -> tuple[str, str]:
    """An authority of the policy says when it saw the checkpoint."""
    good: dict[str, TimeStamp] = {}
    unknown = ""
    for entry in bundle.manifest["timestamps"]:
        about = bundle.member(entry["renews"] or LOG_NOTE)
        try:
            stamp = verify_timestamp(bundle.member(entry["path"]), about, policy)
        except Unknown as reason:
            unknown = str(reason)
            continue
        if not entry["renews"] or entry["renews"] in good:
            good[entry["path"]] = stamp
    if good:
        report.is_anchored_outside = True
        first = min(stamp.at for stamp in good.values())
        until = max(stamp.until for stamp in good.values())
        return (
            OK,
            f"Seen by an authority of the policy at {_moment(first)}; good until {_moment(until)}.",
        )
    if policy.tsa_quorum == "any":
        refuse(unknown or "The policy demands a time stamp, and there is none.")
    return NONE, unknown or "None demanded, and none is there."


def _moment(text: str) -> str:
    day, hour = f"{text[:4]}-{text[4:6]}-{text[6:8]}", f"{text[8:10]}:{text[10:12]}:{text[12:14]}"
    return f"{day} {hour} UTC"


def check_events(bundle: Bundle, report: Report) -> tuple[str, str]:
    """What followed each given consent, as far as the bundle goes: so a stale "given" shows (T-044)."""
    payloads = bundle.payloads()
    report.story = [
        f"{payload['recorded_at']}  {_state_of(payload)}  {payload['record']}"
        for payload in payloads
    ]
    expected = list_later_events(bundle.records, payloads)
    if read_json(bundle.member("later-events.json")) != expected:
        refuse("later-events.json does not tell what the records tell.")
    positions = [record["position"] for record in bundle.records if record["position"] is not None]
    if positions != sorted(set(positions)):
        refuse("The records do not stand in the order of the log.")
    earlier: dict[str, str] = {}
    for payload in payloads:
        for key in ("follows", "ends"):
            if payload[key] and payload[key] not in earlier:
                refuse(f"{payload[key]}, which a later record names, is missing.")
        if payload["ends"] and earlier[payload["ends"]] not in GIVEN:
            refuse("A record ends another that was never given.")
        earlier[payload["record"]] = payload["state"]
    return OK, standing_of(payloads)


def list_later_events(
    records: list[dict[str, Any]], payloads: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """For each given record what came after it, and whether one of these ended it."""
    told = [
        {
            "record": payload["record"],
            "state": payload["state"],
            "at": payload["recorded_at"],
            "position": record["position"],
            "ends": payload["ends"],
        }
        for record, payload in zip(records, payloads, strict=True)
    ]
    return [
        {
            "record": event["record"],
            "stands": not any(later["ends"] == event["record"] for later in told),
            "later": told[number + 1 :],
        }
        for number, event in enumerate(told)
        if event["state"] in GIVEN
    ]


def origin_of(payload: dict[str, Any]) -> str:
    """Where the consent of a record comes from: a key of ORIGINS."""
    state, evidence = payload["state"], payload["evidence"]
    imported = _part(evidence, "imported")
    if imported:
        is_shown = state == "given" and imported.get("evidence_sha256")
        return "elsewhere" if is_shown else "unproven"
    if state not in GIVEN:
        return "not_given" if state in ("requested", "refused") else "unrecorded"
    submission = _part(evidence, "submission")
    if _part(evidence, "confirmation") and submission:
        return "permission" if submission.get("leg") == "import" else "form"
    return "preferences" if evidence.get("shown_sha256") else "unrecorded"


def _part(evidence: dict[str, Any], name: str) -> dict[str, Any]:
    value = evidence.get(name)
    return value if isinstance(value, dict) else {}


def _state_of(payload: dict[str, Any]) -> str:
    """The state of a record, which says of a consent given elsewhere that it was."""
    state = str(payload["state"])
    return f"{state}, elsewhere" if origin_of(payload) == "elsewhere" else state


def origins_of(payloads: list[dict[str, Any]]) -> list[str]:
    """The origins of the consents that were given, each once; where none was, whether one was brought here."""
    given = dict.fromkeys(origin_of(item) for item in payloads if item["state"] in GIVEN)
    if given:
        return list(given)
    return ["unproven" if any(item["state"] == "unknown" for item in payloads) else "not_given"]


def standing_of(payloads: list[dict[str, Any]]) -> str:
    """Where the consent stands after the last record of the bundle, in one sentence."""
    ended = {payload["ends"]: payload for payload in payloads if payload["ends"]}
    given = [item for item in payloads if item["state"] in GIVEN]
    standing = [item for item in given if item["record"] not in ended]
    if standing:
        return f"{_told_of(standing[-1])} and not ended by any record here."
    if given:
        ending = ended[given[-1]["record"]]
        what = _told_of(given[-1])
        return f"{what} and ended: {ending['state']} at {ending['recorded_at']}."
    last, brought = payloads[-1], [item for item in payloads if item["state"] == "unknown"]
    if brought:
        then = "" if last is brought[-1] else f" Then: {last['state']} at {last['recorded_at']}."
        return f"No consent is proven: brought here without proof at {brought[-1]['recorded_at']}.{then}"
    return f"No consent was given: {last['state']} at {last['recorded_at']}."


def _told_of(payload: dict[str, Any]) -> str:
    day = str(_part(payload["evidence"], "imported").get("consented_at") or "").partition("T")[0]
    agreed = f"on {day}" if day else "on a day that is not recorded"
    return ORIGINS[origin_of(payload)][2].format(at=payload["recorded_at"], agreed=agreed)


# --- The command -----------------------------------------------------------------------------------------

_MARKS = {OK: "  ok  ", FAILED: "FAILED", NONE: "  --  "}


def printable(text: str) -> str:
    """The text without characters that could play tricks on a terminal."""
    return "".join(mark if mark.isprintable() else "?" for mark in text)


def told(report: Report) -> str:
    """The report as text, one line for each check."""
    lines = [
        printable(f"[{_MARKS[report.statuses[line]]}] {title}: {report.sentences[line]}")
        for line, title in LINES.items()
    ]
    lines += ["", "What the records say, oldest first:"] if report.story else []
    lines += [printable(f"  {entry}") for entry in report.story]
    lines += ["", "What is not proven:", *(f"  - {sentence}" for sentence in report.not_proven)]
    verdict = (
        "Everything that the policy demands is verified."
        if report.is_good
        else "NOT VERIFIED. At least one line failed; do not rely on this bundle."
    )
    return "\n".join([*lines, "", verdict, ""])


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="verify.py",
        description="Checks a proof bundle against a policy file, without any network.",
    )
    parser.add_argument("bundle", type=Path, help="the bundle, a ZIP file")
    parser.add_argument(
        "--policy", type=Path, required=True, help="whom to trust; not from the bundle itself"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args(arguments)
    try:
        policy = Policy.read(given.policy.read_bytes())
        with given.bundle.open("rb") as file:
            body = file.read(LARGEST_BUNDLE + 1)
    except (OSError, PolicyBroken) as error:
        sys.stderr.write(f"verify.py: {printable(str(error))}\n")
        return 2
    report = verify(body, policy)
    if given.json:
        lines = {
            line: {"status": report.statuses[line], "sentence": report.sentences[line]}
            for line in LINES
        }
        shown = {
            "ok": report.is_good, "lines": lines, "story": report.story,
            "not_proven": report.not_proven,
        }  # fmt: skip
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    else:
        sys.stdout.write(told(report))
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
