from __future__ import annotations

from pathlib import Path

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer.foundation.addresses import (
    mailbox_of,
    mask_address,
    mask_addresses,
    parse_address,
)
from mailer.foundation.errors import Invalid
from mailer.foundation.settings import Settings
from tests.conftest import settings_for
from tests.foundation.conftest import within

pytestmark = pytest.mark.requirement("E-008")


def test_an_address_is_kept_as_given_and_compared_by_its_normal_form(bare: Settings) -> None:
    address = parse_address("  Cleo.Jones@Example.ORG ")
    assert address.given == "Cleo.Jones@example.org"
    assert address.normal == "cleo.jones@example.org"
    assert address.domain == "example.org"


@pytest.mark.requirement("C-084")
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("cleo@example.org", "cleo@example.org"),
        ("CLEO@EXAMPLE.ORG", "cleo@example.org"),
        ("cleo+books@example.org", "cleo+books@example.org"),
        ("c.l.e.o@example.org", "c.l.e.o@example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~@example.org"),
        ("cleo@sub-1.example.org", "cleo@sub-1.example.org"),
        ("cleo@bücher.example", "cleo@xn--bcher-kva.example"),
        ("cleo@xn--bcher-kva.example", "cleo@xn--bcher-kva.example"),
        ("cleo@BÜCHER.example", "cleo@xn--bcher-kva.example"),
        ("cle\u0301o@example.org", "cl\u00e9o@example.org"),
        ("ПРИВЕТ@example.org", "привет@example.org"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_forms_that_people_really_have(bare: Settings, text: str, normal: str) -> None:
    assert parse_address(text).normal == normal


@pytest.mark.parametrize(
    "text",
    [
        "cleo",
        "@example.org",
        "cleo@",
        "cleo@@example.org",
        "cleo@example",
        "cleo@localhost",
        "cleo@[192.0.2.1]",
        "cleo@192.0.2.1",
        '"cleo jones"@example.org',
        "cleo jones@example.org",
        "cleo@exa mple.org",
        ".cleo@example.org",
        "cleo.@example.org",
        "cl..eo@example.org",
        "cleo@example..org",
        "cleo@-example.org",
        "cleo@example.org.",
        "Cleo <cleo@example.org>",
        "cleo@example.org, dora@example.org",
        "cleo@example.org;dora@example.org",
        "cleo@example.org\r\nBcc: dora@example.org",
        "cleo\n@example.org",
        "cleo\x00@example.org",
        "cleo@example.org\x00.example.com",
        "cleo\u2028@example.org",
        "cleo\u202e@example.org",
        "cleo\ud800@example.org",
        "cleo@example\ud800.org",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 64}.org",
        f"a@{'b.' * 130}org",
        "a" * 1_000_000 + "@example.org",
    ],
)
def test_what_is_no_single_address_is_refused_with_an_example(bare: Settings, text: str) -> None:
    with pytest.raises(Invalid, match=r"name@example\.org"):
        parse_address(text)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_asked_for_again(bare: Settings, text: str) -> None:
    with pytest.raises(Invalid, match="Please give your e-mail address"):
        parse_address(text)


@given(st.text(max_size=300))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_an_address_or_is_refused(bare: Settings, text: str) -> None:
    for given_text in (text, f"{text}@example.org", f"cleo@{text}"):
        try:
            address = parse_address(given_text)
        except Invalid:
            continue
        assert "\n" not in address.given
        assert parse_address(address.given).normal == address.normal
        assert address.domain.isascii()


_DOMAINS = (
    "example.org",
    "EXAMPLE.org",
    "sub-1.example.org",
    "xn--bcher-kva.example",
    "xn--zz.example",
    "-a.example.org",
    "a..example.org",
    "localhost",
    "site.local",
    "mail.invalid",
    "127.0.0.1",
    "example.org.",
    f"{'a' * 64}.example.org",
    ".".join(["a" * 60] * 4),
)


@given(
    local=st.text("ab9.+_-'/~!AZ@\" ", min_size=1, max_size=70)
    | st.sampled_from(["postmaster", "Abuse"]),
    domain=st.sampled_from(_DOMAINS) | st.text("ab.-0", min_size=1, max_size=12),
)
@hypothesis_settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_addresses_are_judged_as_the_library_judges(
    bare: Settings, local: str, domain: str
) -> None:
    text = f"{local}@{domain}".strip()
    try:
        checked = validate_email(
            text, check_deliverability=False, strict=True, test_environment=not bare.is_production
        )
    except EmailNotValidError:
        with pytest.raises(Invalid):
            parse_address(text)
        return
    address = parse_address(text)
    assert address.given == checked.normalized
    assert address.domain == checked.ascii_domain
    assert address.normal == f"{checked.local_part.casefold()}@{checked.ascii_domain}"


@pytest.mark.requirement("C-080")
@pytest.mark.requirement("C-081")
def test_digests_depend_on_the_pepper_and_on_nothing_but_the_normal_form(tmp_path: Path) -> None:
    with within(settings_for(tmp_path)):
        one = parse_address("cleo@example.org").digest
        assert one == parse_address(" CLEO@EXAMPLE.org ").digest
        assert one != parse_address("cleo+a@example.org").digest
        assert len(one) == 64
    with within(settings_for(tmp_path)):
        assert parse_address("cleo@example.org").digest != one


@pytest.mark.requirement("S-003")
def test_a_mask_shows_the_first_letter_and_the_domain_only() -> None:
    assert mask_address("cleo@example.org") == "c···@example.org"
    assert mask_address("a@b@example.org") == "a···@example.org"
    assert "jones" not in mask_address("cleo.jones@example.org")


def test_a_mask_of_what_is_no_address_shows_nothing() -> None:
    assert mask_address("cleo jones") == "···"
    assert mask_address("") == "···"


@pytest.mark.requirement("C-084")
def test_sharp_s_is_a_letter_of_its_own(bare: Settings) -> None:
    for one, other in (
        ("straße@example.org", "strasse@example.org"),
        ("cleo@straße.example", "cleo@strasse.example"),
        ("ﬁn@example.org", "fin@example.org"),
    ):
        assert parse_address(one).normal != parse_address(other).normal
        assert parse_address(one).digest != parse_address(other).digest
    assert parse_address("STRAẞE@example.org").normal == "straße@example.org"


@pytest.mark.requirement("S-031")
@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("cleo@example.org", "cleo@example.org"),
        ("Cleo+books@example.org", "cleo@example.org"),
        ("c.leo@example.org", "c.leo@example.org"),
        ("+books@example.org", "+books@example.org"),
        ("C.L.E.O+x.y@gmail.com", "cleo@gmail.com"),
        ("c.leo@googlemail.com", "cleo@gmail.com"),
        ("cleo-shop@yahoo.co.uk", "cleo@yahoo.co.uk"),
        ("cleo-shop@ymail.com", "cleo@ymail.com"),
        ("c.leo@yahoo.com", "c.leo@yahoo.com"),
        ("shop@cleo.fastmail.com", "cleo@fastmail.com"),
        ("cleo+shop@fastmail.fm", "cleo@fastmail.fm"),
        ("c.l-e_o@pm.me", "cleo@proton.me"),
        ("cleo+a@me.com", "cleo@icloud.com"),
        ("c.leo@ya.ru", "c-leo@yandex.ru"),
        ("cleo-shop@example.org", "cleo-shop@example.org"),
    ],
)
def test_limits_see_the_mailbox_behind_an_address(bare: Settings, text: str, mailbox: str) -> None:
    assert mailbox_of(parse_address(text)) == mailbox


KNOWN = "bob.smith+news@example.org"
REPLIES = (
    "5.1.1 <bob.smith+news@example.org>: Recipient address rejected: User unknown",
    "5.1.1 BOB.SMITH+NEWS@EXAMPLE.ORG no such user",
    "5.1.1 no mailbox here by that name: bob.smith+news",
    "The user Bob.Smith is over quota",
    "see https://relay.example/why?to=bob.smith%2Bnews%40example.org&id=7",
    "ORCPT=rfc822;bob.smith+2Bnews+40example.org",
    "bounce+bob.smith+news=example.org@lists.example could not be reached",
    "delivery for bob.smith+news=example.org failed",
    "SRS0=HHH=TT=example.org=bob.smith+news@relay.example rejected",
    "'bob.smith+news@example.org'",
    "mailto:bob.smith+news@example.org.",
    '"bob.smith+news"@example.org',
    "bob.smith+news＠example.org",
    "550 RCPT TO:<bob.smith+news@[192.0.2.1]>",
    "bob.smith+news%2540example.org",
)


@pytest.mark.parametrize("reply", REPLIES)
def test_no_spelling_of_an_address_is_left_in_a_reply(reply: str) -> None:
    masked = mask_addresses(reply, KNOWN)
    assert "smith" not in masked.lower()
    assert "news" not in masked.lower()
    assert "···" in masked


@pytest.mark.parametrize(
    ("reply", "masked"),
    [
        ("<bob@example.org>: unknown", "<b···@example.org>: unknown"),
        ("BOB@Example.org: unknown", "B···@Example.org: unknown"),
        ("böb@bücher.example (böb@xn--bcher-kva.example)", "b···@bücher.example (b···@xn--bcher-kva.example)"),
        ("one@a.example, two@b.example; six@c.example", "o···@a.example, t···@b.example; s···@c.example"),
        ("carol=example.org is gone", "c···@example.org is gone"),
        ("2.0.0 Ok: queued as 4Wz9", "2.0.0 Ok: queued as 4Wz9"),
        ("blocked, host=mx1.example.net s=4.5", "blocked, host=mx1.example.net s=4.5"),
        ("See https://mail.example/?p=BadHelo 5.7.1", "See https://mail.example/?p=BadHelo 5.7.1"),
        ("", ""),
    ],
)  # fmt: skip
def test_of_other_texts_addresses_alone_are_masked(reply: str, masked: str) -> None:
    assert mask_addresses(reply) == masked
    assert mask_addresses(masked) == masked


def test_a_long_reply_is_masked_at_once() -> None:
    assert mask_addresses("a" * 20_000 + "@" + "b." * 10_000, "a@b.example").count("···")
