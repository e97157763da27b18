"""Whom to trust: both verifiers read the same policies and refuse the same."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.support.making_bundles import Cosigner, Making, pack, plain_key, seed
from tests.support.verifying import judge, judge_in_browser

MAKING = Making(
    cosigners=[Cosigner(f"w{number}.example", seed(f"w{number}")) for number in range(5)]
)
BUNDLE = pack(MAKING.members())
LOG = f"log {MAKING.log.vkey}"
WITNESSES = [cosigner.policy_line for cosigner in MAKING.cosigners]
STRANGERS = [Cosigner(f"s{number}.example", seed(f"s{number}")).policy_line for number in range(3)]
NAMES = [cosigner.name for cosigner in MAKING.cosigners]


def policy(*lines: str) -> bytes:
    return "\n".join([LOG, *WITNESSES, *STRANGERS, *lines, ""]).encode()


@pytest.mark.requirement("T-030")
@pytest.mark.parametrize(
    ("lines", "is_reached"),
    [
        ([f"quorum {NAMES[0]}"], True),
        (["quorum s0.example"], False),
        ([f"group a all {NAMES[0]} {NAMES[1]}", "quorum a"], True),
        ([f"group a all {NAMES[0]} s0.example", "quorum a"], False),
        ([f"group a any {NAMES[0]} s0.example", "quorum a"], True),
        ([f"group a 2 {NAMES[0]} s0.example s1.example", "quorum a"], False),
        ([f"group a 2 {NAMES[0]} {NAMES[1]} s1.example", f"group b any {NAMES[2]} s2.example", "group c all a b", "quorum c"], True),
        ([f"group a 1 {NAMES[0]}", "group b all s0.example s1.example", "group c all a b", "quorum c"], False),
        (["# only a remark", "  \t quorum\t \tnone  "], True),
    ],
)  # fmt: skip
def test_a_quorum_is_counted_as_the_policy_says(
    verifier_page: Page, lines: list[str], is_reached: bool
) -> None:
    for answer in (
        judge(BUNDLE, policy(*lines)),
        judge_in_browser(verifier_page, BUNDLE, policy(*lines)),
    ):
        assert answer["ok"] == is_reached
        assert (answer["lines"]["witnesses"] == "ok") == is_reached


REFUSED = {
    "no quorum": [],
    "two quorums": ["quorum none", "quorum none"],
    "quorum of nobody": ["quorum nobody"],
    "group before its members": ["group a any b", f"group b any {NAMES[0]}", "quorum a"],
    "member twice": [f"group a any {NAMES[0]} {NAMES[0]}", "quorum a"],
    "member of two groups": [f"group a any {NAMES[0]}", f"group b any {NAMES[0]}", "quorum a"],
    "more than there are": [f"group a 3 {NAMES[0]} {NAMES[1]}", "quorum a"],
    "none of them": [f"group a 0 {NAMES[0]}", "quorum a"],
    "none as a member": ["group a any none", "quorum a"],
    "a name twice": [f"group {NAMES[1]} any {NAMES[0]}", "quorum none"],
    "the same log twice": [LOG, "quorum none"],
    "the same witness twice": [WITNESSES[0].replace("witness w0", "witness again w0"), "quorum none"],
    "an unknown word": ["mirror x", "quorum none"],
    "an unknown demand": ["#! revocation demanded", "quorum none"],
    "a demand without a word": ["#!", "quorum none"],
    "a witness's key as a log": [f"log {WITNESSES[0].split()[2]}", "quorum none"],
    "a log's key as a witness": [f"witness x {plain_key('x', 1, seed('x'))}", "quorum none"],
    "a damaged key": [f"log {MAKING.log.vkey[:-4]}AAA=", "quorum none"],
    "a root that is none": ["#! tsa-root AAAA", "quorum none"],
    "an odd stamp quorum": ["#! tsa-quorum all", "quorum none"],
    "a signer of the wrong kind": [f"#! signer {WITNESSES[0].split()[2]}", "quorum none"],
    "a control character": ["quorum none\r"],
}  # fmt: skip


@pytest.mark.requirement("T-041")
@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED.keys())
def test_a_policy_that_cannot_be_understood_is_refused(
    verifier_page: Page, lines: list[str]
) -> None:
    said = judge(BUNDLE, policy(*lines))
    assert set(said) == {"policy"}
    assert judge_in_browser(verifier_page, BUNDLE, policy(*lines)) == said


@pytest.mark.requirement("T-016")
def test_signatures_of_strangers_are_ignored_and_a_wrong_one_of_a_friend_is_not(
    verifier_page: Page,
) -> None:
    trusting = policy(f"quorum {NAMES[0]}")
    many = Making(cosigners=[*MAKING.cosigners, *(Cosigner(f"x{n}.example", seed(f"x{n}")) for n in range(20))])  # fmt: skip
    impostor = Making(cosigners=[*MAKING.cosigners[:1], Forger(NAMES[1], seed("w1"))])
    for say in (judge, lambda *both: judge_in_browser(verifier_page, *both)):
        assert say(pack(many.members()), trusting)["ok"]
        assert say(pack(impostor.members()), trusting)["lines"]["witnesses"] == "failed"


class Forger(Cosigner):
    """Has the name and the number of a witness's key, and signs something else."""

    def cosign(self, text: str, at: int = 1_795_000_000) -> str:
        return super().cosign(text.replace("8", "9"), at)
