"""verify.html: from the disk, without network, by hand and by ear; its own arithmetic against another's."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, expect

from tests.support.verifying import PAGE, VECTORS, open_verifier

ASK = """([name, ...given]) => {
  const bytes = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
  const asked = given.map((part) => part.startsWith("=") ? part.slice(1) : bytes(part));
  const found = mailerVerifier.parts[name](...asked);
  return found instanceof Uint8Array ? Array.from(found, (byte) => byte.toString(16).padStart(2, "0")).join("") : found;
}"""
SIGNATURES = {
    "rsa": ("1.2.840.113549.1.1.11", hashes.SHA256()),
    "p256": ("1.2.840.10045.4.3.2", hashes.SHA256()),
    "p256-long": ("1.2.840.10045.4.3.4", hashes.SHA512()),
    "p384": ("1.2.840.10045.4.3.3", hashes.SHA384()),
    "p384-short": ("1.2.840.10045.4.3.2", hashes.SHA256()),
}


def ask(page: Page, name: str, *given: bytes | str) -> Any:
    parts = [f"={part}" if isinstance(part, str) else part.hex() for part in given]
    return page.evaluate(ASK, [name, *parts])


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000])
def test_hashes_are_those_of_another_implementation(verifier_page: Page, length: int) -> None:
    message = secrets.token_bytes(length)
    for name in ("sha1", "sha256", "sha384", "sha512"):
        assert ask(verifier_page, name, message) == hashlib.new(name, message).hexdigest(), name


def test_ed25519_signatures_are_told_from_wrong_ones(verifier_page: Page) -> None:
    for number in range(4):
        key, message = Ed25519PrivateKey.generate(), secrets.token_bytes(50 * number)
        public, signature = key.public_key().public_bytes_raw(), key.sign(message)
        assert ask(verifier_page, "verifyEd25519", public, signature, message) is True
        for at in (0, 31, 32, 63):
            wrong = bytearray(signature)
            wrong[at] ^= 1
            assert ask(verifier_page, "verifyEd25519", public, bytes(wrong), message) is False
        assert ask(verifier_page, "verifyEd25519", public, signature, message + b"x") is False
        order = 2**252 + 27742317777372353535851937790883648493
        larger = int.from_bytes(signature[32:], "little") + order
        again = signature[:32] + larger.to_bytes(32, "little")
        assert ask(verifier_page, "verifyEd25519", public, again, message) is False


@pytest.mark.parametrize("kind", SIGNATURES)
def test_signatures_of_authorities_are_told_from_wrong_ones(verifier_page: Page, kind: str) -> None:
    oid, digest = SIGNATURES[kind]
    message = secrets.token_bytes(100)
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind == "rsa":
        key = rsa.generate_private_key(65537, 2048)
        signature = key.sign(message, padding.PKCS1v15(), digest)
    else:
        key = ec.generate_private_key(ec.SECP256R1() if "p256" in kind else ec.SECP384R1())
        signature = key.sign(message, ec.ECDSA(digest))
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert ask(verifier_page, "verifyWith", spki, oid, "", signature, message) is True
    assert ask(verifier_page, "verifyWith", spki, oid, "", signature, message + b"x") is False
    wrong = bytearray(signature)
    wrong[-1] ^= 1
    assert ask(verifier_page, "verifyWith", spki, oid, "", bytes(wrong), message) is False


def choose(page: Page, bundle: str, policy: str) -> None:
    page.get_by_label("The bundle", exact=True).set_input_files(VECTORS / bundle)
    page.get_by_label("The policy", exact=True).set_input_files(VECTORS / policy)
    page.get_by_role("button", name="Check the bundle").click()


@pytest.mark.requirement("T-045")
@pytest.mark.requirement("T-043")
def test_two_files_are_chosen_and_every_line_is_told(browser: Browser) -> None:
    page = open_verifier(browser)
    choose(page, "good.zip", "full.txt")
    verdict = page.get_by_role("heading", name="Everything that the policy demands is verified.")
    expect(verdict).to_be_focused()
    expect(page.get_by_role("listitem").filter(has_text="Quorum reached")).to_contain_text(
        "verified"
    )
    expect(page.get_by_role("cell", name="withdrawn")).to_be_visible()
    choose(page, "bad-payload.zip", "no-maker.txt")
    expect(page.get_by_role("heading", name="Not verified.")).to_be_focused()
    expect(page.get_by_role("listitem").filter(has_text="is not the one that was committed to")).to_contain_text("failed")  # fmt: skip
    page.get_by_label("The policy", exact=True).set_input_files(VECTORS / "expected.json")
    page.get_by_role("button", name="Check the bundle").click()
    expect(page.get_by_role("heading", name="Nothing was checked.")).to_be_focused()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_can_be_used_by_everybody(browser: Browser, scheme: Any, width: int) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(PAGE.as_uri())
    for bundle in ("good.zip", "bad-quorum.zip"):
        choose(page, bundle, "full.txt")
        expect(page.get_by_role("heading", level=2).first).to_be_focused()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert page.evaluate(wide) is False
    context.close()
