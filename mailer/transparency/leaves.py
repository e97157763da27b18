"""What stands in the log: leaves without personal data, and bundles of them. Pure (T-004, T-019).

A leaf is the RFC 8785 form of an object of exactly six strings. They are held to letters, digits and a few
signs that JSON never escapes, so the form can be written down member by member; a test holds it against a
full implementation of RFC 8785.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mailer.foundation.errors import Invalid
from mailer.transparency.tiles import LEAF_LIMIT

LENGTH_BYTES = 2
_PLAIN = re.compile(r"[A-Za-z0-9_:.+-]{0,200}")
_MEMBERS = ("alg", "commitment", "id", "organisation", "time", "type")
_ALL_PLAIN = re.compile("\n".join([_PLAIN.pattern] * len(_MEMBERS)))
_FORM = "{" + ",".join(f'"{name}":"%s"' for name in _MEMBERS) + "}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One line of the log.

    `kind` is the member "type": what happened; `organisation` a pseudonym, empty for what concerns the
    log itself; `time` UTC ISO 8601 with milliseconds; `commitment` as bytes, in the leaf hexadecimal.
    """

    kind: str
    organisation: str
    public_id: str
    time: str
    algorithm: str
    commitment: bytes

    def to_bytes(self) -> bytes:
        """The leaf as it is hashed. Raises Invalid when a member holds more than plain signs."""
        members = (
            self.algorithm,
            self.commitment.hex(),
            self.public_id,
            self.organisation,
            self.time,
            self.kind,
        )
        if not _ALL_PLAIN.fullmatch("\n".join(members)):
            for name, member in zip(_MEMBERS, members, strict=True):
                if not _PLAIN.fullmatch(member):
                    raise Invalid(
                        f"A leaf's {name} has signs that do not belong there: {member!r}."
                    )
        return (_FORM % members).encode()


def time_of(moment: datetime) -> str:
    """`moment` as a leaf's time: UTC ISO 8601 with milliseconds, cut off, not rounded."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_leaf(body: bytes) -> Leaf:
    """The leaf of these bytes. Raises Invalid unless they are exactly what `to_bytes` writes."""
    try:
        members = json.loads(body)
        leaf = Leaf(
            kind=members["type"],
            organisation=members["organisation"],
            public_id=members["id"],
            time=members["time"],
            algorithm=members["alg"],
            commitment=bytes.fromhex(members["commitment"]),
        )
        again = leaf.to_bytes()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid("These bytes are no leaf of the log.") from None
    if again != body:
        raise Invalid("These bytes are no leaf of the log: they are not in canonical form.")
    return leaf


def pack(leaves: Iterable[bytes]) -> bytes:
    """Leaves one after another, each after its length as two bytes: an entry bundle of tlog-tiles."""
    packed = bytearray()
    for leaf in leaves:
        if len(leaf) > LEAF_LIMIT:
            raise Invalid(f"A leaf has at most {LEAF_LIMIT} bytes.")
        packed += len(leaf).to_bytes(LENGTH_BYTES, "big") + leaf
    return bytes(packed)


def unpack(bundle: bytes) -> Iterator[bytes]:
    """The leaves of an entry bundle. Raises Invalid when it ends in the middle of one."""
    at = 0
    while at < len(bundle):
        begin = at + LENGTH_BYTES
        at = begin + int.from_bytes(bundle[at:begin], "big")
        if at > len(bundle) or begin > len(bundle):
            raise Invalid("The entry bundle ends in the middle of a leaf.")
        yield bundle[begin:at]
