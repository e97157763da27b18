"""Who may open what: a page is for everybody because it is written here, or it asks for a sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from mailer.foundation import context
from tests.house.sources import refuse

# Reviewed one by one. Signed links and public ids stand in for a sign-in where one is named.
PUBLIC: dict[str, str] = {
    "auth.accept": "an invitation's token",
    "auth.enter": "the sign-in itself",
    "auth.invitation": "an invitation's token",
    "auth.ask_for_reset": "the answer is the same for everybody, and goes to the mailbox",
    "auth.forgotten": "a field for an address",
    "auth.new_password": "a mailed link's token",
    "auth.reset_password": "a mailed link's token",
    "auth.sign_in": "the sign-in itself",
    "clicks.follow": "a counted link's token; leads to the address fixed for it",
    "clicks.show": "a counted mail's token",
    "clicks.stop": "a counted mail's token",
    "confirm.confirm": "a confirmation's token",
    "confirm.dispute": "a not-me token",
    "confirm.send_again": "a confirmation's token, which has expired",
    "confirm.show": "a confirmation's token",
    "confirm.show_dispute": "a not-me token",
    "erasure.ask": "a preference link's token; the answer goes to the mailbox",
    "erasure.erase": "an erasure's token, mailed to the address itself",
    "erasure.show": "an erasure's token, mailed to the address itself",
    "front": "says nothing, leads to the sign-in",
    "health": "says whether the parts answer",
    "log.checkpoint": "the log is public: no personal data in it",
    "log.entries": "the log is public: no personal data in it",
    "log.policy": "the log is public: no personal data in it",
    "log.show": "the log is public: no personal data in it",
    "log.tile": "the log is public: no personal data in it",
    "notice.imprint": "what the law wants to be public",
    "notice.newest": "what the law wants to be public",
    "notice.numbered": "what the law wants to be public",
    "organisation.ask": "an address; the answer goes to the mailbox",
    "organisation.show": "what the law wants to be public",
    "permission.give": "a permission mail's token",
    "permission.refuse": "a permission mail's token",
    "permission.show": "a permission mail's token",
    "permission.show_refusal": "a permission mail's token",
    "preferences.ask": "a preference link's token; the link goes to the mailbox",
    "preferences.ask_again": "a fresh link's token, which has expired; the new one goes to the mailbox",
    "preferences.change": "a preference link's token",
    "preferences.change_fresh": "a fresh link's token, mailed to the address itself",
    "preferences.show": "a preference link's token",
    "preferences.show_fresh": "a fresh link's token, mailed to the address itself",
    "preferences.show_undo": "an undo's token",
    "preferences.undo": "an undo's token",
    "proof.ask": "a preference link's token; the proof goes to the mailbox",
    "proof.show": "a proof link's token",
    "proof.take": "a proof link's token",
    "proof.verify": "a page that checks what one brings along",
    "proof.verify_page": "a verifier as a file",
    "proof.verify_program": "a verifier as a file",
    "receipts.kantara": "a receipt link's token",
    "receipts.receipt": "a receipt link's token",
    "receipts.record": "a receipt link's token",
    "receipts.send_by_mail": "a receipt link's token; mails to the known address only",
    "receipts.show": "a receipt link's token",
    "signup.check_inbox": "a published form",
    "signup.definition": "a published form",
    "signup.form": "a published form",
    "signup.frame": "a published form",
    "signup.frame_check_inbox": "a published form",
    "signup.preflight": "a published form, asked for by another origin",
    "signup.script": "a published form",
    "signup.submit": "a published form",
    "signup.submit_frame": "a published form",
    "static": "style, script and pictures",
    "unsubscribe.show": "an unsubscribe link's token",
    "unsubscribe.unsubscribe": "an unsubscribe link's token",
    "verifying.answer": "says what a receipt that was handed in is worth, keeps nothing",
    "verifying.ask": "a field to paste into",
    "verifying.keys": "public keys",
    "verifying.terms": "what words mean",
}
SIGN_IN = "/admin/sign-in"
NUL = "%00"


def rules(app: Flask) -> Iterator[Rule]:
    yield from sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))


def address(rule: Rule, word: str = "x") -> str:
    """An address the rule fits, with `word` wherever something is named."""

    def fill(hit: re.Match[str]) -> str:
        converter = hit.group("converter") or ""
        if converter.startswith("any("):
            return converter[4:].split(",")[0].strip(" )")
        return "1" if converter == "int" else word

    return re.sub(r"<(?:(?P<converter>[^<>]*):)?[^<>:]+>", fill, rule.rule)


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"OPTIONS"})


def is_refused(client: FlaskClient, method: str, path: str) -> bool:
    admin = context.settings().admin_url if path.startswith("/admin") else None
    response = client.open(path, method=method, base_url=admin)
    if response.status_code in (302, 303):
        return response.location.startswith(SIGN_IN)
    return response.status_code in (403, 404)


def refusals(app: Flask, client: FlaskClient) -> list[str]:
    """What answers somebody who is not signed in."""
    return [
        f"{method} {rule.rule} ({rule.endpoint})"
        for rule in rules(app)
        if rule.endpoint not in PUBLIC
        for method in methods(rule)
        if not is_refused(client, method, address(rule))
    ]


@pytest.mark.requirement("S-005")
def test_everything_else_asks_for_a_sign_in(app: Flask, client: FlaskClient) -> None:
    assert any(rule.endpoint.startswith("admin.") for rule in rules(app))
    refuse(refusals(app, client))


def test_made_up_cookies_open_nothing(app: Flask, client: FlaskClient) -> None:
    for name in ("session", "__Host-session", "before", "__Host-before"):
        client.set_cookie(name, "A" * 43)
    refuse(refusals(app, client))


def test_what_is_public_exists_and_lies_outside_of_the_team_s_pages(app: Flask) -> None:
    known = {rule.endpoint for rule in rules(app)}
    assert set(PUBLIC) - known == set()
    assert not [endpoint for endpoint in PUBLIC if endpoint.startswith("admin.")]
    inside = {rule.endpoint for rule in rules(app) if rule.rule.startswith("/admin")}
    assert {endpoint for endpoint in inside if endpoint in PUBLIC} == {
        "auth.accept",
        "auth.ask_for_reset",
        "auth.enter",
        "auth.forgotten",
        "auth.invitation",
        "auth.new_password",
        "auth.reset_password",
        "auth.sign_in",
    }


@pytest.mark.requirement("C-109")
def test_public_pages_leave_no_cookie(app: Flask, client: FlaskClient) -> None:
    refuse(
        [
            f"{rule.rule}: {response.headers['Set-Cookie']}"
            for rule in rules(app)
            if rule.endpoint in PUBLIC and not rule.endpoint.startswith("auth.")
            for method in methods(rule)
            if "Set-Cookie" in (response := client.open(address(rule), method=method)).headers
        ]
    )


@pytest.mark.parametrize("word", [NUL, "%ff", "..", "'", "x" * 2000, "%ed%a0%80"])
def test_no_address_whatever_it_holds_breaks_a_page(
    app: Flask, client: FlaskClient, word: str
) -> None:
    broken = []
    for rule in rules(app):
        for method in methods(rule):
            status = client.open(address(rule, word), method=method).status_code
            # 503 is an honest answer of /health alone: there is no Redis here.
            if status >= 500 and rule.endpoint != "health":
                broken.append(f"{method} {rule.rule}: {status}")
    refuse(broken)
