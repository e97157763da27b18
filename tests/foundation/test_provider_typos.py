from __future__ import annotations

import pytest

from mailer.foundation.addresses import parse_address
from mailer.foundation.provider_typos import suggest_address
from mailer.foundation.settings import Settings


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(
            (name, "gmail.com")
            for name in ["gmial.com", "gmal.com", "gmaill.com", "gnail.com", "gamil.com"]
        ),  # easier to read
        *((f"gmail.{end}", "gmail.com") for end in ("con", "co", "cm", "om", "c", "cpm", "comm")),
        ("gmial.con", "gmail.com"),
        ("googlmail.com", "googlemail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmial.co.uk", "hotmail.co.uk"),
        ("homail.de", "hotmail.de"),
        ("outlok.com", "outlook.com"),
        ("oultook.fr", "outlook.fr"),
        ("yahoo.co", "yahoo.com"),
        ("yaho.com", "yahoo.com"),
        ("iclod.com", "icloud.com"),
        ("gmx.ed", "gmx.de"),
        ("gmx.ent", "gmx.net"),
        ("gxm.de", "gmx.de"),
        ("web.d", "web.de"),
        ("wbe.de", "web.de"),
        ("t-onlin.de", "t-online.de"),
        ("freent.de", "freenet.de"),
        ("aol.con", "aol.com"),
    ],
)
def test_a_typing_mistake_in_a_large_provider_is_seen(
    bare: Settings, typed: str, meant: str
) -> None:
    assert suggest_address(parse_address(f"Cleo+a@{typed}")) == f"Cleo+a@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        *(
            "gmail.com",
            "gmail.de",
            "gmail.fr",
            "googlemail.com",
            "mail.com",
            "ymail.com",
            "email.com",
        ),
        *(
            "email.cz",
            "mail.ru",
            "fmail.co.uk",
            "grail.com",
            "gmx.net",
            "gmx.at",
            "gmx.co.uk",
            "gmx.cz",
        ),
        *("hotmail.co.uk", "hotmail.rs", "hotmail.co.il", "outlook.pl", "live.de", "live.co.za"),
        *("yahoo.co.jp", "yahoo.com.pe", "icloud.de", "cloud.com", "web.com", "weg.de", "love.com"),
        *("life.com", "aim.com", "me.com", "mac.com", "proton.me", "t-online.com", "seznam.com"),
        *("example.org", "fastmail.com", "orange.fr", "free.fr", "bücher.example"),
    ],
)
def test_real_domains_beside_a_large_one_are_left_alone(bare: Settings, domain: str) -> None:
    assert suggest_address(parse_address(f"cleo@{domain}")) == ""
