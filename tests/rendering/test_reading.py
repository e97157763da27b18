from __future__ import annotations

import time

import pytest

from tests.rendering.sample import problems_of, render


def test_a_good_template_has_no_problem() -> None:
    body = '{% if contact.age %}{{ contact.first_name | default("x") | upper }}{% endif %}{# c #}'
    assert problems_of(body) == []


@pytest.mark.requirement("S-061")
@pytest.mark.parametrize(
    "hostile",
    [
        "{{ contact.__class__ }}",
        "{{ contact.__class__.__mro__ }}",
        "{{ ''.join }}",
        "{{ ''.join(contact.tags) }}",
        "{{ ''.__class__ }}",
        "{{ range(10**9) }}",
        "{{ 'a' * 10**9 }}",
        "{{ 'a' ~ 'b' }}",
        "{{ 1 + 1 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ contact['email'] }}",
        "{{ contact }}",
        "{{ contact.tags.0 }}",
        "{{ contact.tags[0] }}",
        "{{ contact.email.upper() }}",
        "{{ self }}",
        "{{ loop.index }}",
        "{{ lipsum }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ campaign.__init__ }}",
        "{{ organisation.password }}",
        "{{ contact.email is defined }}",
        "{{ contact.email if contact.age else 'x' }}",
        "{{ [contact.email] }}",
        "{{ {'a': 1} }}",
        "{{ contact.email | attr('__class__') }}",
        "{{ contact.email | safe }}",
        "{{ contact.email | default }}",
        "{{ contact.email | default([]) }}",
        "{{ contact.email | default(*contact.tags) }}",
        "{{ contact.email | default(value='x') }}",
        "{{ contact.email | truncate('x') }}",
        "{{ contact.email | date('%Y') }}",
        "{{ }}",
        "{{ contact.email contact.age }}",
        "{{ contact.email, contact.age }}",
        "{{ -contact.age }}",
        "{{ 10000000000000000 }}",
        "{{ " + "(" * 400 + "1" + ")" * 400 + " }}",
        "{{ " + "x" * 2000 + " }}",
        "{{ 1 < 2 < 3 }}",
        "{% set x = 1 %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% macro m() %}x{% endmacro %}",
        "{% block b %}{% endblock %}",
        "{% call x() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% autoescape false %}{% endautoescape %}",
        "{% do x %}",
        "{% %}",
        "{% if %}x{% endif %}",
        "{% if contact.age %}x",
        "{% for t in contact.tags %}x",
        "{% for t in contact.tags %}x{% endif %}",
        "{% endif %}",
        "{% else %}",
        "{% elif contact.age %}",
        "{% if contact.age %}{% else %}{% else %}{% endif %}",
        "{% if contact.age %}{% else %}{% elif contact.age %}{% endif %}",
        "{% for t in contact.tags %}{% else %}{% endfor %}",
        "{% for t in range(9) %}{% endfor %}",
        "{% for t in 'abc' %}{% endfor %}",
        "{% for t in contact.tags if t %}{% endfor %}",
        "{% for t in contact.tags recursive %}{% endfor %}",
        "{% for a, b in contact.tags %}{% endfor %}",
        "{% for contact in contact.tags %}{% endfor %}",
        "{% for t in contact.tags %}{% for t in contact.tags %}{% endfor %}{% endfor %}",
        "{% for t in contact.tags %}{% endfor %}{{ t }}",
        "{% for t in contact.unknown %}{% endfor %}",
        "{% if contact.unknown %}{% endif %}",
        (
            "{% for a in contact.tags %}{% for b in contact.tags %}{% for c in contact.tags %}"
            "{% endfor %}{% endfor %}{% endfor %}"
        ),
        "{% if 1 %}" * 30 + "{% endif %}" * 30,
        "{{ contact.email",
        "{% if contact.email",
        "{{ contact.email }",
        "{{ “contact.email” }}",
        "{{ contact.email | default(“there”) }}",
        "{# never closed",
        "{% raw %} never closed",
        "{{ contact.email ; }}",
        "{{ 'open }}",
        "{{ 1 }}" * 2001,
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_what_is_not_on_the_list_is_refused_and_never_run(hostile: str, html: bool) -> None:
    begun = time.monotonic()
    problems = problems_of(f"first line\n{hostile}", html=html)
    assert problems
    assert all(one.field == "body" and len(one.message) > 10 for one in problems)
    assert problems[0].line in {1, 2}
    assert time.monotonic() - begun < 2
    assert problems_of("fine", subject=hostile)[0].field == "subject"


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [
        ("{{ contact.frist_name }}", "Did you mean contact.first_name?"),
        ("{{ first_name }}", "Did you mean contact.first_name?"),
        ("{{ campain.subject }}", "Did you mean campaign.subject?"),
        ("{{ campaign.unsubscribe }}", "Did you mean campaign.unsubscribe_url?"),
        ("{{ contact.email | uper }}", "Did you mean upper?"),
        ("{{ contact.email | default(“x”) }}", 'Use straight quotes: "there".'),
        ("{% if contact.age %}", "Add {% endif %} where it should end."),
        ("{{ contact.email | truncate }}", "Write truncate(40)."),
    ],
)
def test_a_problem_comes_with_what_to_do(written: str, suggestion: str) -> None:
    [problem] = problems_of(f"one\ntwo\n{written}")
    assert problem.suggestion == suggestion
    assert problem.line == 3
    assert str(problem) == f"Line 3: {problem.message} {suggestion}"


def test_every_broken_placeholder_is_named_at_once() -> None:
    problems = problems_of("{{ a }}\n{{ contact.email }}\n{% if b %}\n{{ c }}\n{% endif %}")
    assert [one.line for one in problems] == [1, 3, 4]


def test_style_sheets_and_comments_do_not_disturb_placeholders() -> None:
    body = "<style>@media x{#a{b:c}}</style><!-- {{ x -->\n<p>{{ contact.nope }}</p>"
    [problem] = problems_of(body, html=True)
    assert (problem.line, problem.message) == (2, "contact.nope is unknown.")


def test_comments_and_raw_text_are_understood() -> None:
    assert render("a{# hidden #}b {% raw %}{{ shown }}{% endraw %}").text == "ab {{ shown }}\n"


@pytest.mark.parametrize(
    "body",
    [
        "<p {% if contact.age %}title=x{% endif %}>a</p>",
        '<p title="{% if contact.age %}x{% endif %}">a</p>',
        '<p style="color:{{ contact.city }}">a</p>',
        '<p onclick="{{ contact.city }}">a</p>',
        "<p {{ contact.city }}>a</p>",
        "<{{ contact.city }}>a",
        "<script>{{ contact.city }}</script>",
        "<svg>{{ contact.city }}</svg>",
        "<textarea>{{ contact.city }}</textarea>",
        '<a href="javascript:{{ contact.city }}">a</a>',
        '<img src="{{ contact.city }}{% if contact.age %}x{% endif %}">',
    ],
)
def test_a_placeholder_where_html_cannot_hold_it_is_a_problem(body: str) -> None:
    assert len(problems_of(body, html=True)) == 1 or body.startswith("<script>")
