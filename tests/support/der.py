"""Writing ASN.1 by hand (DER), as much as a time stamp needs."""

from __future__ import annotations

from datetime import datetime

NULL = b"\x05\x00"
OCTETS, SEQUENCE, SET = 0x04, 0x30, 0x31


def tlv(tag: int, *parts: bytes) -> bytes:
    """A value with its tag and length."""
    content = b"".join(parts)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(SET, *sorted(parts))


def octets(content: bytes) -> bytes:
    return tlv(OCTETS, content)


def integer(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(number) for number in dotted.split("."))
    return tlv(6, *(_base128(number) for number in (first * 40 + second, *rest)))


def _base128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(0x80 | number & 0x7F)
    return bytes(reversed(groups))


def general_time(moment: datetime) -> bytes:
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def read(body: bytes, at: int = 0) -> tuple[int, bytes, int]:
    """Tag, content and end of the value that begins `at`."""
    tag, length, start = body[at], body[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(body[start : start + count], "big"), start + count
    return tag, body[start : start + length], start + length


def parts_of(body: bytes) -> list[bytes]:
    """The values, each whole, that stand one after the other in the content of another."""
    found, at = [], 0
    while at < len(body):
        end = read(body, at)[2]
        found.append(body[at:end])
        at = end
    return found
