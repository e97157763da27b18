"""Paths to the root, for every position of every small tree; and what a proof may bring along."""

from __future__ import annotations

import base64
import secrets

import pytest
from playwright.sync_api import Page

from mailer.verifier.verify import Checkpoint, Inclusion
from tests.support.little_log import root_of
from tests.support.making_bundles import Making, path_of, remake
from tests.support.verifying import judge, judge_in_browser

_ASK = """(cases) => {
  const bytes = (text) => Uint8Array.from(atob(text), (mark) => mark.charCodeAt(0));
  return cases.map(([leaf, position, path, size, root]) =>
    mailerVerifier.parts.leadsFrom(bytes(leaf), {position, path: path.map(bytes)}, {size, root: bytes(root)}));
}"""
Case = tuple[bytes, int, list[bytes], int, bytes]


def right_and_wrong() -> tuple[list[Case], list[Case]]:
    right: list[Case] = []
    wrong: list[Case] = []
    for size in range(1, 20):
        leaves = [secrets.token_bytes(8) for _ in range(size)]
        root = root_of(leaves)
        for position, leaf in enumerate(leaves):
            path = path_of(position, leaves)
            right.append((leaf, position, path, size, root))
            wrong.append((leaf + b"x", position, path, size, root))
            wrong.append((leaf, position, [*path, bytes(32)], size, root))
            wrong.append((leaf, position + size, path, size, root))
            if path:
                wrong.append((leaf, position, path[:-1], size, root))
                wrong.append((leaf, position ^ 1, path, size, root))
    return right, wrong


def told(cases: list[Case]) -> list[object]:
    def text(body: bytes) -> str:
        return base64.b64encode(body).decode()

    return [
        [text(leaf), position, [text(step) for step in path], size, text(root)]
        for leaf, position, path, size, root in cases
    ]


@pytest.mark.requirement("T-010")
@pytest.mark.requirement("T-045")
def test_both_verifiers_tell_right_paths_from_wrong_ones(verifier_page: Page) -> None:
    right, wrong = right_and_wrong()
    for cases, expected in ((right, True), (wrong, False)):
        said = {
            Inclusion(position, path, b"").leads_from(leaf, Checkpoint("log", size, root))
            for leaf, position, path, size, root in cases
        }
        assert said == {expected}
        assert set(verifier_page.evaluate(_ASK, told(cases))) == {expected}


@pytest.mark.requirement("T-042")
def test_extra_data_of_a_proof_is_not_believed_and_does_no_harm(verifier_page: Page) -> None:
    members, policy = Making().members(), Making().policy().encode()
    path = "records/002-given/inclusion.tlog-proof"
    extra = base64.b64encode(b"consent was given twice").decode()
    changed = members[path].replace(b"\nindex", f"\nextra {extra}\nindex".encode())
    given = remake({**members, path: changed})
    plain = judge(remake(members), policy)
    for answer in (judge(given, policy), judge_in_browser(verifier_page, given, policy)):
        assert answer["ok"]
        assert answer["story"] == plain["story"]
