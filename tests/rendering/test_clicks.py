"""Links that are counted: led through us where the address is everybody's, left alone where it is not."""

from __future__ import annotations

import re

import pytest

from mailer import rendering
from mailer.foundation.errors import Invalid
from mailer.rendering import CampaignContent, Counted
from tests.rendering.sample import FIELDS, make_content
from tests.rendering.spliced import (
    MOMENT,
    ORGANISATION,
    make_addressee,
    make_skeleton,
    numbers_of,
    parts_of,
)

MINE, OTHER = f"c.{1:095d}", f"c.{2:095d}"
BOOKS = "https://x.example/books?a=1&b=2"


def mail_of(content: CampaignContent, **contact: object) -> dict[str, str]:
    """Both parts of one counted mail."""
    who = make_addressee("Cleo", 1, is_counted=True, **contact)
    return dict(parts_of(make_skeleton(content, is_counted=True).compose(who, MOMENT)))


@pytest.mark.parametrize(
    ("target", "address"),
    [
        (BOOKS, BOOKS),
        ("http://x.example", "http://x.example"),
        ("https://X.example:8443/a#b", "https://X.example:8443/a#b"),
        ("https://x.example:60000/", "https://x.example:60000/"),
        ("https://x.example:65535", "https://x.example:65535"),
        ("https://x.example/é", "https://x.example/%C3%A9"),
        ("https://x.example/{{organisation.name}}", "https://x.example/Bakery"),
        ("https://x.example/{{campaign.subject}}", "https://x.example/News"),
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_an_address_that_is_the_same_for_everybody_is_led_through_us(
    target: str, address: str, html: bool
) -> None:
    body = f'<p><a href="{target}">Books</a></p>' if html else f"[Books]({target})"
    content = make_content(body, html=html)
    assert numbers_of(content) == {address: 1}
    parts = mail_of(content)
    assert f'<a href="https://mail.example/c/{MINE}/1">Books</a>' in parts["text/html"]
    assert f"Books:\nhttps://mail.example/c/{MINE}/1\n" in parts["text/plain"]
    assert not any("x.example" in text.lower() for text in parts.values())


@pytest.mark.requirement("C-107")
@pytest.mark.parametrize(
    "target",
    [
        "https://x.example/{{contact.city}}",
        "https://x.example/{{contact.city|default('all')}}",
        "https://x.example/{{organisation.name|default(contact.city)}}",
        "{{contact.site|default('https://x.example/')}}",
        "{{campaign.unsubscribe_url}}",
        "{{campaign.preferences_url}}",
        "{{campaign.unsubscribe_url|default('https://x.example/')}}",
        "{{organisation.privacy_notice_url}}",
        "https://x.example/?from={{campaign.unsubscribe_url}}",
        "mailto:us@x.example",
        "tel:+4912345",
        "#below",
        "https://somebody@x.example/",
        "https://x.example:65536/",
        "https://x.example:99999/",
        "https://x..example/",
    ],
)
def test_any_other_link_is_left_alone(target: str) -> None:
    content = make_content(f'<p><a href="{target}">Books</a></p>', html=True)
    assert numbers_of(content) == {}
    values = {"city": "Oslo", "site": "https://mine.example/"}
    parts = mail_of(content, **values)
    clean = dict(
        parts_of(
            make_skeleton(content).compose(
                make_addressee("Cleo", 1, is_counted=False, **values), MOMENT
            )
        )
    )
    assert "/c/" not in "".join(parts.values())
    hrefs = [
        re.findall(r'href="(?!https://mail.example/t/)[^"]*"', one["text/html"])
        for one in (clean, parts)
    ]
    assert hrefs[0] == hrefs[1]


def test_what_a_loop_shows_is_not_everybodys_and_what_stands_in_it_is() -> None:
    content = make_content(
        "{% for tag in contact.tags %}[a](https://x.example/{{ tag }}) [b](https://x.example/b){% endfor %}"
    )
    assert numbers_of(content) == {"https://x.example/b": 1}
    assert mail_of(content, tags=["p", "q"])["text/html"].count(f"/c/{MINE}/1") == 2


def test_a_subject_with_somebodys_name_keeps_a_link_from_being_everybodys() -> None:
    target = "https://x.example/{{campaign.subject}}"
    named = make_content(f"[a]({target})", subject="For {{ contact.city }}")
    assert numbers_of(named) == {}


def test_links_to_one_address_have_one_number_in_both_parts() -> None:
    content = make_content(f"[a]({BOOKS}) [b]({BOOKS})\n\n[c](https://x.example/c)\n\n<{BOOKS}>")
    assert numbers_of(content) == {BOOKS: 1, "https://x.example/c": 2}
    for text in mail_of(content).values():
        assert re.findall(rf"/c/{MINE}/(\d+)", text) == ["1", "1", "2", "1"]


@pytest.mark.requirement("C-101")
@pytest.mark.requirement("C-102")
def test_a_mail_that_is_not_counted_is_the_same_as_before() -> None:
    content = make_content(f"[a]({BOOKS}) {{{{ contact.city }}}}", footer=True)
    who = make_addressee(city="Oslo")
    raw = make_skeleton(content).compose(who, MOMENT)
    assert b"mail.example/c/" not in raw
    assert b"mail.example/t/" not in raw
    assert BOOKS in dict(parts_of(raw))["text/plain"]


@pytest.mark.requirement("C-103")
@pytest.mark.parametrize("footer", [True, False], ids=["our footer", "their own"])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "because you agreed to it"),
        ("de", "weil Sie dem zugestimmt haben"),
        ("sk", "pretože ste s tým súhlasili"),
        ("cs", "protože jste s tím souhlasili"),
    ],
)
def test_every_counted_mail_says_so_at_its_foot_and_how_it_ends(
    footer: bool, language: str, words: str
) -> None:
    content = make_content(f"[a]({BOOKS})", footer=footer, language=language)
    for text in mail_of(content).values():
        assert words in " ".join(text.split())
        assert text.count(f"https://mail.example/t/{MINE}") == 1


def test_each_counted_mail_holds_the_token_of_its_person_and_nobody_elses() -> None:
    skeleton = make_skeleton(make_content(f"[a]({BOOKS}) {{{{ contact.city }}}}"), is_counted=True)
    for number, mine, other in ((1, MINE, OTHER), (2, OTHER, MINE)):
        who = make_addressee(number=number, is_counted=True, city=f"[{number}]")
        for _, text in parts_of(skeleton.compose(who, MOMENT)):
            assert text.count(mine) == 2
            assert other not in text
            assert "CCC" not in text


def test_a_counted_mail_without_a_token_is_refused() -> None:
    skeleton = make_skeleton(make_content(f"[a]({BOOKS})"), is_counted=True)
    with pytest.raises(Invalid):
        skeleton.compose(make_addressee(), MOMENT)


def test_a_link_that_has_no_number_stays_as_it_is() -> None:
    content = make_content(f"[a]({BOOKS})")
    compiled = rendering.compile_content(
        content, contact_fields=FIELDS, counted=Counted({}, ORGANISATION)
    )
    values = rendering.Values(
        contact={},
        campaign={"subject": "News"},
        organisation=ORGANISATION,
        why="",
        clicks="https://m.example/c/c",
        stop="https://m.example/t/c",
    )
    assert BOOKS in compiled.render(values).text


def test_content_that_cannot_be_sent_has_no_links_to_count() -> None:
    content = make_content(f"[a]({BOOKS}) {{{{ nonsense }}}}")
    assert numbers_of(content) == {}
