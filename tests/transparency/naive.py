"""RFC 6962 as its text says it, over whole lists: slow, and written apart from the code it checks."""

from __future__ import annotations

import hashlib


def root(leaves: list[bytes]) -> bytes:
    """MTH of 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    middle = largest_power_below(len(leaves))
    return hashlib.sha256(b"\x01" + root(leaves[:middle]) + root(leaves[middle:])).digest()


def path(position: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = largest_power_below(len(leaves))
    if position < middle:
        return [*path(position, leaves[:middle]), root(leaves[middle:])]
    return [*path(position - middle, leaves[middle:]), root(leaves[:middle])]


def proof(old: int, leaves: list[bytes]) -> list[bytes]:
    """PROOF of 2.1.2."""
    return subproof(old, leaves, is_whole=True)


def subproof(old: int, leaves: list[bytes], *, is_whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if is_whole else [root(leaves)]
    middle = largest_power_below(len(leaves))
    if old <= middle:
        return [*subproof(old, leaves[:middle], is_whole=is_whole), root(leaves[middle:])]
    return [*subproof(old - middle, leaves[middle:], is_whole=False), root(leaves[:middle])]


def largest_power_below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power
