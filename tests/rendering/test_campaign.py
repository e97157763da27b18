from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer import rendering
from mailer.foundation.errors import Invalid
from tests.rendering.sample import FIELDS, main_html, make_content, make_values, problems_of, render

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SPECIAL = st.sampled_from(
    [
        "*x*",
        "[a](http://evil.example)",
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ contact.email }}",
        "{% if x %}",
        "http://evil.example",
        "javascript:alert(1)",
        "`code`",
        "# title",
        "zq0z",
        "<!--zq0z-->",
        "&lt;b&gt;",
        "a\r\nBcc: x@example.org",
        "\u202egnp.exe",
    ]
)


class Elements(HTMLParser):
    """Collects the elements and comments of a document, and checks that they nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in {"br", "hr", "img", "meta", "col"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment got through: {data}")


def test_a_campaign_becomes_subject_html_and_text() -> None:
    rendered = render(
        "# Hello {{ contact.first_name }}\n\nOur *new* [loaf](https://bakery.example/loaf).",
        subject="For {{ contact.first_name }}",
        preheader="Fresh today",
    )
    assert rendered.subject == "For Cleo"
    assert ">Hello Cleo</h1>" in rendered.html
    assert '<a href="https://bakery.example/loaf">loaf</a>' in rendered.html
    assert rendered.text == (
        "Fresh today\n\nHello Cleo\n----------\n\nOur new loaf <https://bakery.example/loaf>.\n"
    )


def test_the_same_input_gives_the_same_output() -> None:
    assert render("Hi {{ contact.first_name }}") == render("Hi {{ contact.first_name }}")


def test_one_compiled_campaign_serves_many_people() -> None:
    compiled = rendering.compile_content(
        make_content("Hi {{ contact.first_name }}{% for t in contact.tags %}, {{ t }}{% endfor %}"),
        contact_fields=FIELDS,
    )
    texts = [
        compiled.render(make_values(first_name=name, tags=tags)).text
        for name, tags in (("Ada", ["x"]), ("Ben", []), ("Ada", ["x"]))
    ]
    assert texts == ["Hi Ada, x\n", "Hi Ben\n", "Hi Ada, x\n"]


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_default_takes_the_place_of_a_missing_value(value: object) -> None:
    body = 'Hi {{ contact.first_name | default("there") }}'
    assert render(body, values=make_values(first_name=value)).text == "Hi there\n"
    assert render(body, values=make_values()).text == "Hi there\n"


@pytest.mark.parametrize("value", [None, "", "  ", []])
def test_a_missing_value_without_default_is_an_error_with_field_and_line(value: object) -> None:
    with pytest.raises(Invalid) as caught:
        render("One\n\nHi {{ contact.first_name }}", values=make_values(first_name=value))
    assert caught.value.fields == {
        "body": "Line 3: contact.first_name is empty for this person and has no default."
    }
    with pytest.raises(Invalid) as caught:
        render(subject="{{ contact.city }}", values=make_values())
    assert list(caught.value.fields) == ["subject"]


@pytest.mark.requirement("S-062")
@pytest.mark.parametrize("html", [False, True])
@settings(max_examples=60, deadline=None)
@given(value=st.one_of(TEXT, SPECIAL, st.builds("{}{}".format, TEXT, SPECIAL)))
def test_no_value_becomes_markup(html: bool, value: str) -> None:
    body = (
        '<p>a{{ contact.city | default("-") }}b</p><p><a title="{{ contact.city | default("-") }}"'
        ' href="https://x.example/?q={{ contact.city | default("-") }}">link</a></p>'
        if html
        else 'a{{ contact.city | default("-") }}b\n\n'
        '[link](https://x.example/?q={{ contact.city | default("-") }} '
        "\"{{ contact.city | default('-') }}\")"
    )
    plain = Elements(render(body, html=html, values=make_values(city="Oslo")).html)
    hostile = Elements(render(body, html=html, values=make_values(city=value)).html)
    names = [tag for tag, _ in hostile.tags if tag != "br"]
    assert names == [tag for tag, _ in plain.tags]
    for (_, one), (_, other) in zip(
        [tag for tag in hostile.tags if tag[0] != "br"], plain.tags, strict=True
    ):
        assert [name for name, _ in one] == [name for name, _ in other]


def test_markdown_in_a_value_shows_literally() -> None:
    values = make_values(first_name="*x* [a](http://evil.example) `c`")
    rendered = render("Hi {{ contact.first_name }}", values=values)
    assert "Hi *x* [a](http://evil.example) `c`</p>" in rendered.html
    assert "<a" not in main_html(rendered)
    assert rendered.text == "Hi *x* [a](http://evil.example) `c`\n"


@pytest.mark.requirement("S-061")
def test_template_code_in_a_value_shows_literally() -> None:
    values = make_values(first_name="{{ contact.email }}{% if x %} zq0z")
    rendered = render(
        "Hi {{ contact.first_name }}", subject="{{ contact.first_name }}", values=values
    )
    assert rendered.text == "Hi {{ contact.email }}{% if x %} zq0z\n"
    assert rendered.subject == "{{ contact.email }}{% if x %} zq0z"


def test_words_like_our_own_stand_ins_are_left_alone() -> None:
    assert render("zq0z zqxq1z {{ contact.first_name }} ZQ0Z").text == "zq0z zqxq1z Cleo ZQ0Z\n"


@pytest.mark.requirement("E-005")
@pytest.mark.parametrize("value", ["a\r\nBcc: b@example.org", "a\nb", "a\rb", "a\u2028b"])
def test_a_line_end_in_a_subject_value_is_refused(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        render(subject="Hi {{ contact.first_name }}", values=make_values(first_name=value))
    assert list(caught.value.fields) == ["subject"]


def test_the_subject_is_not_escaped_as_html() -> None:
    values = make_values(first_name="A & B <c>")
    rendered = render(subject="{{ contact.first_name }} & more", values=values)
    assert rendered.subject == "A & B <c> & more"
    assert "<title>A &amp; B &lt;c&gt; &amp; more</title>" in rendered.html


def test_overrides_of_direction_and_controls_are_taken_out_of_values() -> None:
    values = make_values(first_name="A\u202eB\x07C\x00")
    assert render("{{ contact.first_name }}", values=values).text == "ABC\n"


def test_lines_of_a_value_stay_lines() -> None:
    rendered = render("{{ organisation.imprint }}")
    assert "Bakery Ltd<br>1 High Street<br>Oxford" in rendered.html
    assert rendered.text == "Bakery Ltd\n1 High Street\nOxford\n"


def test_conditions_choose_one_way() -> None:
    body = (
        "{% if contact.age >= 18 %}adult{% elif contact.age %}young"
        '{% else %}unknown{% endif %}{% if contact.city in ["Oslo", "Wien"] and not contact.site %}'
        ", near{% endif %}"
    )
    assert render(body, values=make_values(age=20, city="Oslo")).text == "adult, near\n"
    assert render(body, values=make_values(age=7, city="Rome")).text == "young\n"
    assert render(body, values=make_values()).text == "unknown\n"


def test_a_loop_over_list_items_becomes_one_list() -> None:
    body = "{% for t in contact.tags %}\n- Tag {{ t }}\n{% endfor %}"
    rendered = render(body, values=make_values(tags=["a", "b"]))
    assert main_html(rendered).count("<ul") == 1
    assert rendered.text == "- Tag a\n- Tag b\n"


def test_a_loop_may_repeat_table_rows() -> None:
    body = "<table>{% for t in contact.tags %}<tr><td>{{ t }}</td></tr>{% endfor %}</table>"
    html = main_html(render(body, html=True, values=make_values(tags=["a", "b"])))
    assert html == "<table><tr><td>a</td></tr><tr><td>b</td></tr></table>"


def test_conditions_around_blocks_leave_well_formed_html() -> None:
    body = "Before\n\n{% if contact.age %}\n- one\n- two\n{% else %}\n> quote\n{% endif %}\n\nAfter"
    for values in (make_values(age=1), make_values()):
        Elements(render(body, values=values).html)
    assert render(body, values=make_values()).text == "Before\n\n> quote\n\nAfter\n"


@pytest.mark.parametrize(
    ("html", "body"),
    [
        (False, "**a {% if contact.age %} b** c {% endif %}"),
        (False, "- a {% if contact.age %}\n- b {% endif %}"),
        (True, "<p>{% if contact.age %}</p><p>{% endif %}</p>"),
        (True, "<b>{% for t in contact.tags %}</b>{% endfor %}"),
    ],
)
def test_a_control_that_crosses_elements_is_a_problem(html: bool, body: str) -> None:
    [problem] = problems_of(body, html=html)
    assert "ends in another" in problem.message


def test_a_loop_of_more_than_a_hundred_items_is_refused() -> None:
    body = "{% for t in contact.tags %}{{ t }}{% endfor %}"
    assert render(body, values=make_values(tags=["x"] * 100)).text == "x" * 100 + "\n"
    with pytest.raises(Invalid, match="more than 100"):
        render(body, values=make_values(tags=["x"] * 101))


@pytest.mark.requirement("S-061")
def test_loops_that_would_write_without_end_are_stopped() -> None:
    inner = "{% for a in contact.tags %}{% for b in contact.colours %}%s{% endfor %}{% endfor %}"
    values = make_values(tags=["x"] * 100, colours=["y"] * 100)
    with pytest.raises(Invalid, match="too long"):
        render(inner.replace("%s", "z" * 1000), values=values)
    with pytest.raises(Invalid, match="too long"):
        render(inner.replace("%s", "") * 100, values=values)


def test_a_loop_over_something_that_is_no_list_is_refused() -> None:
    with pytest.raises(Invalid, match="not a list"):
        render("{% for t in contact.city %}{{ t }}{% endfor %}", values=make_values(city="Oslo"))


@pytest.mark.parametrize("value", ["javascript:alert(1)", "data:text/html,x", "//evil", "x", " \n"])
def test_a_value_that_is_no_address_cannot_be_a_link(value: str) -> None:
    body = '[site]({{ contact.site | default("javascript:x") }})'
    with pytest.raises(Invalid, match="not an address"):
        render(body, values=make_values(site=value))


def test_a_value_in_a_link_is_percent_encoded() -> None:
    values = make_values(city='a/../b?c&d="é')
    html = render("[x](https://x.example/{{ contact.city }})", values=values).html
    assert 'href="https://x.example/a%2F..%2Fb%3Fc%26d%3D%22%C3%A9"' in html
    html = render(
        "[x]({{ contact.site }})", values=make_values(site="https://x.example/ä?a=1&b")
    ).html
    assert 'href="https://x.example/%C3%A4?a=1&amp;b"' in html


def test_a_value_cannot_choose_the_host_of_a_link() -> None:
    [problem] = problems_of("\n[x](https://{{ contact.city }}/x)")
    assert problem.line == 2
    assert "which host" in problem.message


def test_an_incomplete_address_is_a_problem_with_a_suggestion() -> None:
    [problem] = problems_of("One\n\n[x](www.bakery.example)")
    assert (problem.field, problem.line) == ("body", 3)
    assert problem.suggestion == "Write https://www.bakery.example"


def test_a_bare_address_of_ours_is_a_link() -> None:
    html = main_html(render("{{ campaign.unsubscribe_url }}"))
    address = "https://mail.example/u/token?a=1&amp;b=2"
    assert f'<a href="{address}">{address}</a>' in html


@pytest.mark.requirement("E-030")
@pytest.mark.requirement("A-015")
def test_the_automatic_footer_holds_reason_imprint_and_links_in_both_parts() -> None:
    rendered = render(footer=True)
    assert rendered.text.endswith(
        "You confirmed this subscription on 1 March 2026.\n\nBakery Ltd\n1 High Street\nOxford\n\n"
        "Unsubscribe: https://mail.example/u/token?a=1&b=2\n\n"
        "Change what you receive: https://mail.example/p/token\n\n"
        "Privacy notice: https://mail.example/privacy\n"
    )
    assert '<a href="https://mail.example/u/token?a=1&amp;b=2">Unsubscribe</a>' in rendered.html
    assert '<a href="https://mail.example/p/token">Change what you receive</a>' in rendered.html
    assert "Bakery Ltd<br>1 High Street<br>Oxford" in rendered.html
    assert "You confirmed this subscription" in rendered.html


def test_a_footer_without_its_unsubscribe_link_is_not_rendered() -> None:
    values = make_values()
    without = rendering.Values(
        contact=values.contact,
        campaign={"subject": "News"},
        organisation=values.organisation,
        why=values.why,
    )
    with pytest.raises(Invalid, match=r"campaign\.unsubscribe_url"):
        render(footer=True, values=without)


def test_the_footer_speaks_the_language_of_the_campaign() -> None:
    assert "Abmelden: https://" in render(footer=True, language="de-AT").text
    assert "Odhlásiť" in render(footer=True, language="sk").text
    assert "Unsubscribe: https://" in render(footer=True, language="fr").text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ campaign.unsubscribe_url }}", True),
        ("[Stop]({{ campaign.unsubscribe_url }})", True),
        ("{% if contact.age %}{{ campaign.unsubscribe_url }}{% endif %}", False),
        (
            (
                "{% if contact.age %}{{ campaign.unsubscribe_url }}"
                "{% else %}[x]({{ campaign.unsubscribe_url }}){% endif %}"
            ),
            True,
        ),
        ("{% if contact.age %}{{ campaign.unsubscribe_url }}{% else %}x{% endif %}", False),
        ("![{{ campaign.unsubscribe_url }}](https://x.example/a.png)", False),
        ("nothing {{ broken", False),
        ("", False),
    ],
)
def test_an_unsubscribe_link_counts_when_everybody_sees_it(body: str, expected: bool) -> None:
    assert rendering.uses_unsubscribe_link(make_content(body)) is expected
    assert rendering.uses_unsubscribe_link(make_content(body, footer=True)) is True


def test_an_imprint_counts_when_everybody_sees_it() -> None:
    assert rendering.uses_imprint(make_content("{{ organisation.imprint }}"))
    assert not rendering.uses_imprint(make_content("Bakery Ltd"))
    assert rendering.uses_imprint(make_content("Bakery Ltd", footer=True))


@pytest.mark.requirement("A-014")
def test_the_page_is_made_for_every_reader() -> None:
    html = render(
        "# Hi", footer=True, preheader="Fresh {{ contact.first_name }}", language="ar"
    ).html
    assert html.startswith('<!DOCTYPE html>\n<html lang="ar" dir="rtl">')
    assert "<title>News</title>" in html
    assert 'name="viewport"' in html
    assert 'name="color-scheme" content="light dark"' in html
    assert html.index("Fresh Cleo") < html.index("<h1")
    assert all("presentation" in table for table in re.findall("<table[^>]*>", html))
    assert "max-width:600px" in html
    Elements(html)


@pytest.mark.requirement("A-014")
def test_a_body_with_its_own_colours_is_shown_on_a_light_page() -> None:
    plain = render("<p>Hi</p>", html=True).html
    assert 'content="light dark"' in plain
    assert "prefers-color-scheme:dark" in plain
    for coloured in ('<table bgcolor="#eeeeee"></table>', '<p style="margin:0;color:#111">Hi</p>'):
        html = render(coloured, html=True).html
        assert 'name="color-scheme" content="light"' in html
        assert "prefers-color-scheme" not in html


def test_lists_and_quotes_stand_on_the_side_where_reading_begins() -> None:
    assert "padding-left:24px" in render("- a").html
    assert "padding-right:24px" in render("- a", language="he").html


def test_images_always_have_an_alt() -> None:
    html = main_html(render('<img src="https://x.example/a.png">', html=True))
    assert html == '<img src="https://x.example/a.png" alt="">'


def test_content_with_problems_is_not_compiled() -> None:
    with pytest.raises(Invalid) as caught:
        rendering.compile_content(
            make_content("a\n{{ contact.frist_name }}", subject="{{ x"), contact_fields=FIELDS
        )
    assert caught.value.fields == {
        "subject": "Line 1: This placeholder is never closed. Add }} at its end.",
        "body": "Line 2: contact.frist_name is unknown. Did you mean contact.first_name?",
    }


def test_deep_markup_is_refused_before_the_sanitiser_sees_it() -> None:
    [problem] = problems_of("<div>" * 40_000, html=True)
    assert problem.message == "The elements are nested too deeply."


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "a" * 1001}, "subject"),
        ({"preheader": "a\nb"}, "preheader"),
        ({"body": "a" * 200_001}, "body"),
        ({"body": "a\0b"}, "body"),
        ({"body": "a\ud800b"}, "body"),
        ({"body": "<div>" * 101, "html": True}, "body"),
    ],
)
def test_content_out_of_bounds_is_a_problem(changes: dict[str, object], field: str) -> None:
    given = {"body": "Hello", **changes}
    [problem] = problems_of(**given)  # type: ignore[arg-type]
    assert problem.field == field


@settings(max_examples=150, deadline=None)
@given(
    body=st.lists(
        st.sampled_from(
            [
                *("{{", "}}", "{%", "%}", "{#", "#}", "if ", "for ", "endif", "endfor", "else"),
                *("contact.tags", "contact.first_name", " | ", "default(", '"', "'", ")", "(", "["),
                *(
                    "\n",
                    " ",
                    "- ",
                    "# ",
                    "> ",
                    "*",
                    "`",
                    "<p>",
                    "</p>",
                    "<table>",
                    "<td>",
                    "<a href=",
                ),
                *("{% if contact.age %}", "{% endif %}", "{{ contact.first_name }}", "-%}", "{%-"),
                *("{% raw %}", "{% endraw %}", "<!--", "-->", "x", "é", "]("),
            ]
        ),
        max_size=25,
    ).map("".join),
    html=st.booleans(),
)
def test_any_body_either_renders_or_is_refused_with_a_sentence(body: str, html: bool) -> None:
    problems = problems_of(body, html=html)
    if problems:
        assert all(one.message.endswith(".") and one.line >= 1 for one in problems)
        return
    try:
        rendered = render(body, html=html, values=make_values(first_name="Cleo", tags=["a", "b"]))
    except Invalid as refused:
        assert list(refused.fields) == ["body"]
        return
    Elements(rendered.html)
    assert "zq0z" not in rendered.html + rendered.text
