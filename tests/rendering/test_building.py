from __future__ import annotations

import pytest

from mailer.rendering.building import Misplaced, build_tree
from mailer.rendering.expressions import Names
from mailer.rendering.reading import read_template
from mailer.rendering.tree import Choice, Element, Node, Output, Text
from mailer.rendering.words import words_for


def build(html: str) -> list[Node]:
    reading = read_template(html, "body", Names(None), words_for("en"))
    assert reading.problems == []
    return build_tree(reading, reading.text, lambda _text: 1)


def test_words_become_the_tags_they_stand_for() -> None:
    [paragraph] = build("<p>a{% if contact.x %}{{ contact.y }}{% endif %}</p>")
    assert isinstance(paragraph, Element)
    text, choice = paragraph.children
    assert isinstance(text, Text)
    assert isinstance(choice, Choice)
    [output] = choice.branches[0].children
    assert isinstance(output, Output)
    assert output.name == "contact.y"


@pytest.mark.requirement("S-060")
@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<iframe></iframe>",
        "<svg></svg>",
        '<a href="javascript:alert(1)">x</a>',
    ],
)
def test_what_the_sanitiser_should_have_taken_out_is_not_built(html: str) -> None:
    with pytest.raises(Misplaced):
        build(html)


@pytest.mark.requirement("S-060")
def test_attributes_and_styles_are_asked_for_once_more() -> None:
    [paragraph] = build('<p onclick="x" id="y" style="color:red;background:url(x)" title="t">x</p>')
    assert isinstance(paragraph, Element)
    [image] = build('<img src="data:text/html,x" alt="a">')
    assert isinstance(image, Element)
    assert image.attributes == {"alt": [Text("a")]}
    assert paragraph.attributes == {"style": [Text("color:red")], "title": [Text("t")]}


def test_a_crossing_is_reported_with_the_line_of_the_tag_that_began_it() -> None:
    with pytest.raises(Misplaced) as caught:
        build("<p>\n{% if contact.x %}</p>\n{% endif %}")
    assert caught.value.problem.line == 2
