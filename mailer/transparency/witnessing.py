"""Asking a witness for its cosignature: the client of C2SP tlog-witness (T-030). No database."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.foundation import signing_keys
from mailer.foundation.clock import now
from mailer.foundation.errors import Invalid
from mailer.foundation.setting_entries import WitnessAddress
from mailer.transparency.cosigning import Cosignature, find_cosignature, read_cosignatures
from mailer.transparency.notes import read_key, read_note
from mailer.transparency.reaching import AnchorFailed, Reply, post

SIZE_TYPE = "text/x.tlog.size"
MOST_PROOF_LINES = 63
CLOCK_SECONDS = 600
REFUSALS = {
    400: "It says that our request is malformed.",
    403: "It does not accept the key of this log: give its operator the log's public key.",
    404: "It does not watch this log: ask its operator to add the log's public key.",
    422: "It says that this checkpoint does not continue what it has seen of this log.",
}


@dataclass(frozen=True, slots=True)
class KnownSize:
    """The witness has cosigned another size than we believed: this one."""

    size: int


def ask_witness(
    witness: WitnessAddress, note: str, old_size: int, proof: Sequence[bytes]
) -> Cosignature | KnownSize:
    """One `add-checkpoint`: the cosignature, or how far the witness has come when we were wrong about it.

    `note` is the checkpoint as signed by the log, `proof` the consistency proof from `old_size`. Raises
    AnchorFailed with a sentence about whatever else it does.
    """
    if len(proof) > MOST_PROOF_LINES:
        raise AnchorFailed("A consistency proof has at most 63 hashes.")
    lines = "".join(base64.b64encode(step).decode() + "\n" for step in proof)
    body = f"old {old_size}\n{lines}\n{note}".encode()
    reply = post(f"{witness.url}/add-checkpoint", body, "text/plain; charset=utf-8")
    if reply.status == 409:
        return _known_size(reply, old_size)
    if reply.status != 200:
        raise AnchorFailed(REFUSALS.get(reply.status, f"It answers with status {reply.status}."))
    return _cosignature(reply, witness, note)


def _known_size(reply: Reply, old_size: int) -> KnownSize:
    """What a 409 says. The size we named means: the same size, with another root."""
    digits = reply.body.removesuffix(b"\n")
    is_size = digits.isdigit() and len(digits) < 20 and (digits == b"0" or digits[:1] != b"0")
    if reply.content_type != SIZE_TYPE or not is_size:
        raise AnchorFailed("It says that it knows another size, but not which.")
    if int(digits) == old_size:
        raise AnchorFailed(
            f"It has seen another tree of {old_size} leaves: two histories of this log were signed."
        )
    return KnownSize(int(digits))


def _cosignature(reply: Reply, witness: WitnessAddress, note: str) -> Cosignature:
    try:
        key = read_key(witness.vkey)
        found = find_cosignature(
            read_cosignatures(reply.body), key, read_note(note).text, signing_keys.is_signed_by
        )
    except Invalid as error:
        raise AnchorFailed(f"Its answer cannot be used: {error}") from None
    if found is None:
        raise AnchorFailed("It answers without a cosignature of the key that is configured.")
    if abs(found.at - now().timestamp()) > CLOCK_SECONDS:
        raise AnchorFailed("Its clock and ours are more than ten minutes apart.")
    return found
