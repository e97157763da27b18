"""The trust policy of the log as text: C2SP tlog-policy, and what that has no word for. Pure.

Roots of time-stamp authorities stand in comment lines that begin with `#! `. Other readers of tlog-policy skip
them as comments; ours read them (see docs/anchors.md).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.foundation.setting_entries import WitnessAddress

GROUP = "witnesses"


class AnchorKind(StrEnum):
    """Who vouches for a checkpoint."""

    WITNESS = "witness"
    AUTHORITY = "authority"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Whom to trust about a log. `quorum` is how many of the witnesses it takes, 0 for none at all."""

    origin: str
    log_vkeys: Sequence[str]
    log_url: str
    witnesses: Sequence[WitnessAddress]
    quorum: int
    tsa_roots: Sequence[bytes] = ()
    tsa_policy: str = ""


def quorum_of(word: str, count: int) -> int:
    """How many of `count` witnesses MAILER_LOG_QUORUM asks for; more than half when it is empty."""
    if word.isdecimal():
        return int(word)
    return {"none": 0, "any": 1, "all": count}.get(word, count // 2 + 1 if count else 0)


def format_policy(policy: Policy) -> str:
    """The policy as a file. Whoever checks a proof must get it from elsewhere than the proof."""
    lines = [
        f"# What to trust about the log {policy.origin}.",
        "# Compare it with a copy that reached you another way than the proof you check.",
        *(f"log {vkey} {policy.log_url}" for vkey in policy.log_vkeys),
        *(f"witness {one.name} {one.vkey}" for one in policy.witnesses),
        *_quorum(policy),
    ]
    if not policy.quorum and not policy.tsa_roots:
        lines.append(
            "# Nobody outside vouches for this log: what it says is operator-asserted only."
        )
    roots = [base64.b64encode(root).decode() for root in policy.tsa_roots]
    lines += [f"#! tsa-root {root}" for root in roots]
    if policy.tsa_policy:
        lines.append(f"#! tsa-policy {policy.tsa_policy}")
    if roots:
        lines.append("#! tsa-quorum none" if policy.quorum else "#! tsa-quorum any")
    return "\n".join(lines) + "\n"


def _quorum(policy: Policy) -> list[str]:
    if not policy.quorum:
        return ["quorum none"]
    names = [one.name for one in policy.witnesses]
    if len(names) == 1:
        return [f"quorum {names[0]}"]
    return [f"group {GROUP} {policy.quorum} {' '.join(names)}", f"quorum {GROUP}"]
