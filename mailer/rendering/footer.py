"""The footer every campaign mail needs: why it comes, from whom, and how to stop it."""

from __future__ import annotations

from mailer.rendering.running import MISSING, is_missing
from mailer.rendering.tree import Element, Expression, Node, Output, Place, Scope, Text
from mailer.rendering.words import Words

# Keys no author can name: a name of the language holds no @.
WHY = "@why"
SUBJECT = "@subject"
CLICKS = "@clicks"  # what a counted link begins with; its number follows
STOP = "@stop"  # where one press ends the counting
_PLACE = Place("footer", 1)


def own_value(key: str) -> Output:
    """Return the placeholder of a value that only we set, such as the reason for the mail."""

    def evaluate(scope: Scope) -> object:
        return scope[key] if key == SUBJECT or not is_missing(scope[key]) else MISSING

    return Output(key.lstrip("@"), Expression(evaluate, frozenset({key}), is_bare=True), _PLACE)


def footer_nodes(words: Words) -> list[Node]:
    """Return the footer's tree (E-030): reason, imprint, and three links."""
    links = [
        _link(words.unsubscribe, "campaign", "unsubscribe_url"),
        _link(words.preferences, "campaign", "preferences_url"),
        _link(words.privacy_notice, "organisation", "privacy_notice_url"),
    ]
    return [
        _paragraph(own_value(WHY), "16px"),
        _paragraph(_value("organisation", "imprint"), "16px"),
        *(_paragraph(link, "8px") for link in links),
    ]


def counting_nodes(words: Words) -> list[Node]:
    """Return what every counted mail says at its foot: that and why, and a link that ends it (C-103)."""
    stop = Element("a", {"href": [own_value(STOP)]}, [Text(words.stop_counting)])
    return [_paragraph(Text(words.counting), "8px"), _paragraph(stop, "16px")]


def _paragraph(child: Node, gap: str) -> Node:
    return Element("p", {"style": [Text(f"margin:0 0 {gap}")]}, [child])


def _link(label: str, root: str, name: str) -> Node:
    return Element("a", {"href": [_value(root, name)]}, [Text(label)])


def _value(root: str, name: str) -> Output:
    return Output(f"{root}.{name}", _lookup(root, name), _PLACE)


def _lookup(root: str, name: str) -> Expression:
    def evaluate(scope: Scope) -> object:
        value = scope[root].get(name)  # type: ignore[attr-defined]  # roots are mappings
        return MISSING if is_missing(value) else value

    return Expression(evaluate, frozenset({f"{root}.{name}"}), is_bare=True)
