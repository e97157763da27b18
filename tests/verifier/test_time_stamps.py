"""Time stamps in bundles: renewed before their certificates end, and under the rules that a policy asks for."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Page

from tests.support import der
from tests.support.making_bundles import Making, Members, remake, seed, told_in
from tests.support.time_authority import POLICY, TimeAuthority
from tests.support.verifying import Answer, judge, judge_in_browser

SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))


def question(stamped: bytes) -> bytes:
    imprint = der.sequence(SHA256, der.octets(hashlib.sha256(stamped).digest()))
    return der.sequence(der.integer(1), imprint, b"\x01\x01\xff")


def policy_for(*authorities: TimeAuthority, more: str = "") -> bytes:
    roots = [authority.root.public_bytes(Encoding.DER) for authority in authorities]
    lines = [f"#! tsa-root {base64.b64encode(root).decode()}" for root in roots]
    return Making().policy(*lines, "#! tsa-quorum any", *more.splitlines()).encode()


def bundle_with(*tokens: tuple[bytes, str | None]) -> bytes:
    """An honest bundle with these tokens, each with the path of the one that it renews."""
    members: Members = Making().members()
    entries = []
    for number, (token, renews) in enumerate(tokens, 1):
        path = f"tsa/{number:02}.tsr"
        members[path] = token
        entries.append({"authority": "time.example", "path": path, "renews": renews})
    told = {**told_in(members), "timestamps": entries}
    return remake(members, seed("signer"), told)


def answers(page: Page, bundle: bytes, policy: bytes) -> list[Answer]:
    both = [judge(bundle, policy), judge_in_browser(page, bundle, policy)]
    assert both[0]["lines"] == both[1]["lines"]
    assert both[0]["sentences"][10] == both[1]["sentences"][10]
    return both


NOTE = Making().members()["checkpoint/checkpoint.note"]


@pytest.mark.requirement("T-032")
def test_a_renewal_carries_the_first_time_on_and_lasts_longer(verifier_page: Page) -> None:
    first = TimeAuthority(days=10)
    first_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    old = first.with_faults(at=first_at).answer(question(NOTE))
    second = TimeAuthority(days=800)
    new = second.answer(question(old))
    bundle = bundle_with((old, None), (new, "tsa/01.tsr"))
    until = second.signer.not_valid_after_utc.strftime("%Y-%m-%d %H:%M:%S UTC")
    for answer in answers(verifier_page, bundle, policy_for(first, second)):
        assert answer["ok"]
        assert answer["sentences"][10] == (
            f"Seen by an authority of the policy at {first_at:%Y-%m-%d %H:%M:%S} UTC; "
            f"good until {until}."
        )


@pytest.mark.requirement("T-032")
def test_a_renewal_of_something_else_or_of_a_stranger_is_none(verifier_page: Page) -> None:
    stranger, second = TimeAuthority(), TimeAuthority()
    old = stranger.answer(question(NOTE))
    renewal = second.answer(question(old))
    bundle = bundle_with((old, None), (renewal, "tsa/01.tsr"))
    for answer in answers(verifier_page, bundle, policy_for(second)):
        assert answer["lines"]["timestamp"] == "failed"
    other = second.answer(question(b"something else"))
    for answer in answers(verifier_page, bundle_with((old, None), (other, "tsa/01.tsr")), policy_for(stranger, second)):  # fmt: skip
        assert answer["lines"]["timestamp"] == "failed"


@pytest.mark.requirement("T-031")
def test_the_rules_of_the_authority_are_those_that_the_policy_asks_for(verifier_page: Page) -> None:
    authority = TimeAuthority(is_rsa=True)
    bundle = bundle_with((authority.answer(question(NOTE)), None))
    for rule, is_good in ((POLICY, True), ("1.2.3.4", False)):
        asked = policy_for(authority, more=f"#! tsa-policy {rule}")
        for answer in answers(verifier_page, bundle, asked):
            assert answer["ok"] == is_good


@pytest.mark.requirement("T-031")
@pytest.mark.parametrize("days", [-1, 500])
def test_a_stamp_from_outside_the_life_of_its_certificate_is_none(
    verifier_page: Page, days: int
) -> None:
    authority = TimeAuthority(began_days_ago=0)
    at = datetime.now(UTC) + timedelta(days=days)
    token = authority.with_faults(at=at).answer(question(NOTE))
    for answer in answers(verifier_page, bundle_with((token, None)), policy_for(authority)):
        assert answer["lines"]["timestamp"] == "failed"
