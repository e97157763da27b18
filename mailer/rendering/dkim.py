"""DKIM signatures (RFC 6376, RFC 8463) over mails as we write them: relaxed/relaxed, no `l=`.

Every field of the head is signed, and those a forger would add are named once more, so that none
can be added behind our back (E-041). The key is not known here: whoever calls hands in what signs.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

RSA, ED25519 = "rsa-sha256", "ed25519-sha256"
LIFE_SECONDS = 14 * 86_400  # longer than any relay keeps trying
_NAMED_AGAIN = (b"From", b"To", b"Cc", b"Subject", b"Date", b"Reply-To")
_WIDTH = 72
_FIELD = re.compile(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*")
_UNSETTLED = re.compile(rb"\t|  | \r\n|\r\n\r\n\Z|\A\r\n\Z")
_SETTLED = re.compile(rb"[^ \t:\r\n]+:(?: [^ \t\r\n]+)+\r\n")
_BLANKS = re.compile(rb"[ \t]+")
_END_BLANKS = re.compile(rb" +(?=\r\n)")
_END_LINES = re.compile(rb"(?:\r\n)*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: the domain answering for the mail, and which of its keys.

    `sign` takes the octets that RFC 6376, 3.7 says are signed, and returns the bare signature.
    """

    domain: str
    selector: str
    algorithm: str
    sign: Callable[[bytes], bytes]


class Sealer:
    """Signs mails that have much of their head in common; one signature for each of `signers`."""

    def __init__(self, signers: Sequence[Signer]) -> None:
        self._signers = [(signer.sign, _beginning(signer)) for signer in signers]
        self._known: dict[bytes, tuple[bytes, bytes]] = {}
        self._tags: dict[tuple[bytes, ...], bytes] = {}
        self._begun: list[tuple[Callable[[bytes], bytes], bytes, bytes]] = []
        self._begun_for: tuple[int, tuple[bytes, ...]] = 0, ()

    def learn(self, fields: Iterable[bytes]) -> None:
        """Remember fields that will stand in many heads, each complete with its line end."""
        self._known.update((field, _relaxed(field)) for field in fields)

    def signatures(self, fields: Sequence[bytes], body: bytes, signed_at: int) -> list[bytes]:
        """Return the DKIM-Signature fields for a head of these fields and a body in canonical form.

        `signed_at` is in seconds since the epoch.
        """
        known = self._known
        relaxed = [known.get(field) or _relaxed(field) for field in fields]
        relaxed.reverse()  # several fields of one name are signed from the last to the first
        names = tuple([name for name, _ in relaxed])
        if (signed_at, names) != self._begun_for:
            self._begin(signed_at, names)
        head = b"".join([canonical for _, canonical in relaxed])
        body_hash = b2a_base64(sha256(body).digest(), newline=False)
        written: list[bytes] = []
        for sign, folded, unfolded in self._begun:
            signature = sign(b"%b%b%b; b=" % (head, unfolded, body_hash))
            written += (folded, body_hash, b";\r\n b=", _folded(signature), b"\r\n")
        return written

    def _begin(self, signed_at: int, names: tuple[bytes, ...]) -> None:
        """Write signatures up to the hash of the body, as they stand and in canonical form."""
        tag = self._tags.get(names)
        if tag is None:
            tag = self._tags[names] = _signed_names(names)
        self._begun = []
        for sign, beginning in self._signers:
            times = b" t=%d; x=%d;\r\n" % (signed_at, signed_at + LIFE_SECONDS)
            folded = b"%b%b%b bh=" % (beginning, times, tag)
            value = folded.partition(b": ")[2].replace(b"\r\n ", b" ")
            self._begun.append((sign, folded, b"dkim-signature:" + value))
        self._begun_for = signed_at, names

    def seal(self, mail: bytes, signed_at: int) -> bytes:
        """Return any complete mail with its signatures on top."""
        head, _, body = mail.partition(b"\r\n\r\n")
        fields = _FIELD.findall(head + b"\r\n")
        return b"".join([*self.signatures(fields, relaxed_body(body), signed_at), mail])


def relaxed_body(body: bytes) -> bytes:
    """Return the relaxed canonical form of a body that ends in CRLF (RFC 6376, 3.4.4)."""
    if not body or _UNSETTLED.search(body) is None:
        return body
    body = _END_BLANKS.sub(b"", _BLANKS.sub(b" ", body))
    body = _END_LINES.sub(b"", body, count=1)
    return body + b"\r\n" if body else b""


def _relaxed(field: bytes) -> tuple[bytes, bytes]:
    """The field's name as it stands, and its relaxed canonical form (RFC 6376, 3.4.2)."""
    if _SETTLED.fullmatch(field):
        name, _, value = field.partition(b": ")
        return name, b"%b:%b" % (name.lower(), value)
    name, _, value = field.partition(b":")
    value = _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name, b"%b:%b\r\n" % (name.lower().rstrip(b" \t"), value)


def _beginning(signer: Signer) -> bytes:
    return (
        f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed;\r\n"
        f" d={signer.domain}; s={signer.selector};\r\n"
    ).encode("ascii")


def _signed_names(names: Sequence[bytes]) -> bytes:
    lines: list[bytes] = []
    line = b" h="
    for index, name in enumerate([*names, *_NAMED_AGAIN]):
        if len(line) + len(name) > _WIDTH:
            lines.append(line + b":")
            line = b" " + name
        else:
            line += b":" + name if index else name
    return b"\r\n".join([*lines, line]) + b";\r\n"


def _folded(signature: bytes) -> bytes:
    text = b2a_base64(signature, newline=False)
    if len(text) <= 2 * _WIDTH:
        return b"%b\r\n %b" % (text[:_WIDTH], text[_WIDTH:])
    return b"\r\n ".join([text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)])
