"""A spliced mail is, read by a mail program, the one that is written out the ordinary way."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer import rendering
from mailer.rendering import CampaignContent
from tests.rendering.sample import make_content
from tests.rendering.spliced import (
    MOMENT,
    TOKENS,
    assert_same,
    make_addressee,
    make_skeleton,
    parts_of,
    read,
)

NAME = '{{ contact.first_name | default("reader") }}'
CITY = '{{ contact.city | default("here") }}'
LEAVE = "{{ campaign.unsubscribe_url }}"
CHOOSE = "{{ campaign.preferences_url }}"
TEMPLATES: dict[str, CampaignContent] = {
    "plain": make_content("Hello\n\nNothing personal.", footer=True),
    "names": make_content(
        f"# Hello {NAME}\n\nDear {NAME} of {CITY}, {'how are you ' * 20}?\n\n> {NAME}: {CITY}\n\n"
        f"- {NAME}\n- [see {CITY}](https://x.example/?q={CITY})\n\n```\na  b\n {NAME}\n```",
        subject=f"For {NAME} in {CITY}",
        preheader=f"{NAME}, look",
        footer=True,
    ),
    "conditions": make_content(
        '{% if contact.city == "Oslo" %}\nNorth, {{ contact.city }}.\n{% elif contact.age %}\n'
        f"Age {{{{ contact.age }}}}\n\n- {NAME}\n{{% else %}}\n> Nobody knows\n{{% endif %}}\n\nEnd"
        " {% if contact.age > 17 %}grown{% else %}young, " + NAME + "{% endif %}",
        footer=True,
    ),
    "loops": make_content(
        "{% for tag in contact.tags %}\n- {{ tag }} for " + NAME + "\n{% endfor %}\n\n"
        "All: {% for tag in contact.tags %}{{ tag | upper }}; {% endfor %}",
        subject='{{ contact.tags | join("/") | default("none") }}',
        footer=True,
    ),
    "html": make_content(
        f'<h1>{NAME}</h1><table role="presentation"><tr><td title="{CITY}">\t.{CITY}</td><td>'
        f'<img src="https://x.example/a.png" alt="{NAME}"></td></tr></table>'
        f'<p style="margin:0">{NAME}<br>.<b> {CITY} </b>=20</p><pre>a\n  {CITY}\n\n</pre>'
        f'<p>{NAME} <a href="{LEAVE}">leave</a> or <a href="{CHOOSE}">choose, {CITY}</a></p>'
        f'<p>{LEAVE}</p><p><a href="https://x.example/?u={LEAVE}&c={CITY}">{CHOOSE}</a></p>',
        html=True,
        subject="{{ campaign.subject }}",
    ),
    "subject": make_content(
        "{{ campaign.subject }}: {{ campaign.subject | upper }} " + NAME,
        subject=f"News for {NAME}, {{{{ campaign.subject | length }}}}",
    ),
    "links": make_content(
        f"[Books](https://x.example/books?a=1&b=2) for {NAME}, <https://x.example/plain>\n\n"
        f"[for {NAME}](https://x.example/books?a=1&b=2) [yours](https://x.example/{CITY}) [{CITY}]({LEAVE})\n\n"
        "{% for tag in contact.tags %}\n- {{ tag }}: [all](https://x.example/all), "
        '[one](https://x.example/{{ tag | default("none") }})\n{% endfor %}\n\n'
        "{% if contact.age %}[Old](https://x.example/.From%20me){% else %}[Young](https://x.example/é){% endif %} "
        "[us](https://x.example/?at={{ organisation.name }}) [write](mailto:us@x.example)",
        footer=True,
    ),
    "values only": make_content('{{ contact.city | default("\u00a0") }}'),
    "no default": make_content("Hello {{ contact.first_name }}", footer=True),
    "organisation": make_content(
        "{{ organisation.imprint }} {{ contact.city | default(organisation.name) }}"
    ),
    "right to left": make_content(f"مرحبا {NAME}", language="ar", subject=NAME, footer=True),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
HOSTILE = st.sampled_from(
    [
        *("", " ", "x" * 10_000, "é" * 3_000, "ü ö " * 60, ".", "..", ".\r\n.", "\r\n.\r\n", "\r"),
        *("\n", "a\rb", "a \t \nb ", "  two  blanks  ", "\t", "=", "==3D=", "=\r\n", "=20", "a="),
        *(
            "--=_",
            "--=_x--",
            "From me",
            "\nFrom me",
            "مرحبا بالعالم",
            "\u202eabc\u202c",
            "👩‍👩‍👧‍👦" * 9,
        ),
        *(
            "<b>&amp;</b>",
            '"q", <a@b.example>',
            "{{ contact.email }}",
            "\x00\x07",
            "\x00u",
            "\u2028",
        ),
        *("Oslo", "=?utf-8?q?x?=", "a" * 75, "b" * 76, "c" * 74 + ".", "\ufeff", "\x85"),
    ]
)
VALUE = TEXT | HOSTILE | st.builds("{}{}".format, HOSTILE, TEXT)
PERSON = st.fixed_dictionaries(
    {},
    optional={
        "first_name": VALUE | st.none(),
        "city": VALUE | st.integers() | st.booleans(),
        "age": st.sampled_from([0, 1, 17, 18, True, False, 1.0, "18", None, 10**20]),
        "tags": st.lists(VALUE, max_size=4) | st.lists(st.integers() | st.booleans(), max_size=3),
    },
)


@pytest.mark.requirement("E-001")
@pytest.mark.requirement("E-006")
@pytest.mark.parametrize("is_counted", [False, True], ids=["clean", "counted"])
@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=25, deadline=None)
@given(people=st.lists(PERSON, min_size=1, max_size=3), name=VALUE)
@example(people=[{"age": 1}, {"age": True}, {"age": 1.0}, {"age": "1"}], name="")
@example(people=[{"city": 1}, {"city": True}, {"city": "1"}, {"city": None}], name="Ö" * 90)
@example(people=[{"tags": ["1"]}, {"tags": [1]}, {"tags": [True]}, {"tags": []}], name="a b")
def test_both_ways_write_the_same_mail(
    template: str, is_counted: bool, people: list[dict[str, object]], name: str
) -> None:
    skeleton = make_skeleton(TEMPLATES[template], is_counted=is_counted)
    assert skeleton.slow_because == ""
    for number, contact in enumerate([*people, *people]):
        who = make_addressee(name, number, is_counted=is_counted, **contact)
        assert_same(skeleton, who)


@pytest.mark.requirement("E-020")
def test_each_mail_holds_the_tokens_of_its_person_and_nobody_elses() -> None:
    skeleton = make_skeleton(TEMPLATES["html"])
    assert skeleton.slow_because == ""
    first = skeleton.compose(make_addressee(number=1), MOMENT)
    second = skeleton.compose(make_addressee(number=2), MOMENT)
    for raw, mine, other in ((first, 1, 2), (second, 2, 1)):
        unsubscribe, preferences = f"u.{mine:0122d}", f"p.{mine:068d}"
        assert str(read(raw)["List-Unsubscribe"]) == f"<https://mail.example/u/{unsubscribe}>"
        for _, text in parts_of(raw):
            assert text.count(unsubscribe) >= 2
            assert preferences in text
            assert f"u.{other:0122d}" not in text
            assert not any(token in text for token in TOKENS)


def test_what_is_kept_for_one_person_is_not_shown_to_another() -> None:
    skeleton = make_skeleton(TEMPLATES["names"])
    for number in range(5_000):
        name = f"Name{number}"
        raw = skeleton.compose(make_addressee(name, number, first_name=name, city="Oslo"), MOMENT)
        assert set(re.findall(rb"Name\d+", raw.replace(b"=\r\n", b""))) == {name.encode()}


def test_a_mail_is_dated_when_it_is_made() -> None:
    skeleton = make_skeleton(TEMPLATES["plain"])
    later = MOMENT.replace(hour=23)
    for moment in (MOMENT, later, MOMENT):
        assert read(skeleton.compose(make_addressee(), moment))["Date"].datetime == moment


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (make_content("{{ campaign.unsubscribe_url | upper }}"), "changes or compares the link"),
        (
            make_content('{% if campaign.preferences_url == "x" %}a{% endif %}b'),
            "changes or compares the link",
        ),
        (make_content("Hello", subject="{{ campaign.unsubscribe_url }}"), "subject holds a link"),
        (
            make_content(
                "{% for a in contact.tags %}{% for b in contact.colours %}{{ b }}{% endfor %}"
                "{% endfor %} " * 3
            ),
            "loops may become very long",
        ),
    ],
)
def test_what_cannot_be_spliced_says_why_and_is_written_out(
    content: CampaignContent, reason: str
) -> None:
    skeleton = make_skeleton(content)
    assert reason in skeleton.slow_because
    assert reason in rendering.why_slow(
        rendering.compile_content(content, contact_fields=["tags", "colours"])
    )
    who = make_addressee(tags=["a"], colours=["b"])
    assert skeleton.compose(who, MOMENT) == skeleton.write_out(who, MOMENT)


def test_a_token_of_another_width_is_written_out() -> None:
    skeleton = make_skeleton(TEMPLATES["html"])
    who = make_addressee()._replace(unsubscribe="short")
    assert skeleton.compose(who, MOMENT) == skeleton.write_out(who, MOMENT)
