from __future__ import annotations

import re

import pytest
from flask import Flask

from mailer.lists import list_id_header
from mailer.lists.labels import new_label
from tests.support.factories import make_list, make_organisation
from tests.support.make_lists import make_sender


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Monthly letter", "monthly-letter"),
        ("Bücher & mehr!", "bucher-mehr"),
        ("読書", "list"),
        ("---", "list"),
        ("x" * 200, "x" * 40),
    ],
)
def test_a_label_is_ascii_and_begins_like_the_name(name: str, slug: str) -> None:
    label = new_label(name)
    assert re.fullmatch(rf"{slug}-[a-z2-9]{{6}}", label)
    assert len(label) <= 60


def test_two_lists_of_the_same_name_have_different_labels() -> None:
    assert new_label("News") != new_label("News")


@pytest.mark.requirement("E-028")
def test_the_list_id_ends_with_the_domain_of_the_sender_in_ascii(app: Flask) -> None:
    ada = make_organisation()
    made = make_list(ada)
    sender = make_sender(ada, from_address="post@bücher.example")
    assert list_id_header(made, sender) == f"{made.label}.xn--bcher-kva.example"
