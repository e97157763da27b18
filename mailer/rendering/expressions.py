"""Expressions of the template language: read by Jinja's parser, checked, made into closures.

Jinja only reads; it never runs. Every syntax node that is not on the list here is refused
(S-061), and what is on the list reaches nothing but plain values in plain mappings.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.parser import Parser

from mailer.foundation.errors import Invalid
from mailer.rendering.filters import DATE_STYLES, FILTERS, Filter, FilterFailed
from mailer.rendering.running import MISSING, is_missing
from mailer.rendering.tree import Evaluate, Expression, Place, Scope
from mailer.rendering.words import Words

SYNTAX = Environment(keep_trailing_newline=True)  # noqa: S701 - reads syntax only, renders nothing
_MAX_EXPRESSION = 1_000
_MAX_NUMBER = 10**12
OWN_NAMES: Mapping[str, tuple[str, ...]] = {
    "campaign": ("subject", "unsubscribe_url", "preferences_url"),
    "organisation": ("name", "legal_name", "imprint", "contact_email", "privacy_notice_url"),
}
# These fail for no text, and make none blank that was not.
_TAKES_ANY_TEXT = frozenset({"default", "upper", "lower", "title", "capitalize", "trim", "length"})
_COMPARISONS: Mapping[str, Callable[[object, object], object]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,  # type: ignore[dict-item]  # an unfit pair raises TypeError, caught below
    "lteq": operator.le,  # type: ignore[dict-item]  # the same
    "gt": operator.gt,  # type: ignore[dict-item]  # the same
    "gteq": operator.ge,  # type: ignore[dict-item]  # the same
    "in": lambda one, many: one in many,  # type: ignore[operator]  # the same
    "notin": lambda one, many: one not in many,  # type: ignore[operator]  # the same
}


class Refused(Exception):
    """An expression that is not part of the language; carries message and suggestion."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may name; `contact_fields` None leaves contact's names unchecked."""

    contact_fields: Collection[str] | None
    variables: tuple[str, ...] = ()

    def with_variable(self, name: str) -> Names:
        """Return the names that hold inside a loop over `name`."""
        return Names(self.contact_fields, (*self.variables, name))


def compile_expression(source: str, *, names: Names, place: Place, words: Words) -> Expression:
    """Return what computes the expression; raises Refused when it is not allowed."""
    try:
        tree = _read(source)
        compiler = _Compiler(names, place, words)
        compute = compiler.compile(tree)
        is_bare = isinstance(tree, nodes.Getattr | nodes.Name)
        return Expression(compute, frozenset(compiler.used), is_bare, compiler.weighs)
    except RecursionError:
        raise Refused("This placeholder is nested too deeply.") from None


def dotted_name(source: str) -> str:
    """Return the name an expression shows, without its filters, for messages."""
    return source.split("|", 1)[0].strip()


def _read(source: str) -> nodes.Expr:
    if len(source) > _MAX_EXPRESSION:
        raise Refused(f"This placeholder is longer than {_MAX_EXPRESSION} characters.")
    if not source.strip():
        raise Refused("This placeholder is empty.", "Name a value, as in {{ contact.email }}.")
    parser = Parser(SYNTAX, source, state="variable")
    try:
        tree = parser.parse_expression()
    except TemplateSyntaxError as error:
        raise Refused(f"This placeholder cannot be read: {error.message}.") from None
    except (ValueError, OverflowError):
        raise Refused("A number in this placeholder is too large.") from None
    if not parser.stream.eos:
        raise Refused(
            f"“{parser.stream.current.value}” is not expected in this placeholder.",
            "A placeholder holds one value and its filters.",
        )
    return tree


class _Compiler:
    """Makes closures of one expression's checked syntax nodes."""

    def __init__(self, names: Names, place: Place, words: Words) -> None:
        self.names = names
        self.place = place
        self.words = words
        self.used: set[str] = set()
        self.weighs = False

    def compile(self, node: nodes.Node) -> Evaluate:
        """Return the closure of a node on the list; raises Refused for any other."""
        match node:
            case nodes.Const():
                return self._constant(node)
            case nodes.Neg(node=nodes.Const(value=int() | float() as number)):
                return _always(-number)
            case nodes.Getattr() | nodes.Name():
                return self._name(node)
            case nodes.Filter():
                return self._filter(node)
            case nodes.And():
                return _both(self.compile(node.left), self.compile(node.right))
            case nodes.Or():
                return _either(self.compile(node.left), self.compile(node.right))
            case nodes.Not():
                inner = self.compile(node.node)
                return lambda scope: not is_true(inner(scope))
            case nodes.Compare():
                return self._comparison(node)
            case _:
                raise _refusal(node)

    def _constant(self, node: nodes.Const) -> Evaluate:
        value = node.value
        if isinstance(value, int | float) and abs(value) > _MAX_NUMBER:
            raise Refused("This number is too large.")
        return _always(MISSING if value is None else value)

    def _name(self, node: nodes.Getattr | nodes.Name) -> Evaluate:
        match node:
            case nodes.Name(name=name) if name in self.names.variables:
                return lambda scope: scope[name]
            case nodes.Getattr(node=nodes.Name(name=root), attr=attribute) if (
                root == "contact" or root in OWN_NAMES
            ) and root not in self.names.variables:
                self._check_known(root, attribute)
                self.used.add(f"{root}.{attribute}")
                return _lookup(root, attribute)
        raise self._unknown(node)

    def _check_known(self, root: str, attribute: str) -> None:
        known: Collection[str] | None = OWN_NAMES.get(root, self.names.contact_fields)
        if known is not None and attribute not in known:
            raise self._unknown(nodes.Getattr(nodes.Name(root, "load"), attribute, "load"))

    def _unknown(self, node: nodes.Node) -> Refused:
        name = _spelling(node)
        known = [f"contact.{field}" for field in self.names.contact_fields or ()]
        known += [f"{root}.{one}" for root, ones in OWN_NAMES.items() for one in ones]
        known += self.names.variables
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        if not near:
            near = [one for one in known if one.rpartition(".")[2] == name][:1]
        suggestion = (
            f"Did you mean {near[0]}?"
            if near
            else "Names begin with contact, campaign or organisation."
        )
        return Refused(f"{name} is unknown.", suggestion)

    def _filter(self, node: nodes.Filter) -> Evaluate:
        chosen = FILTERS.get(node.name)
        if chosen is None or node.node is None:
            near = get_close_matches(node.name, FILTERS, n=1)
            choice = f"Did you mean {near[0]}?" if near else f"There are {', '.join(FILTERS)}."
            raise Refused(f"There is no filter {node.name}.", choice)
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise Refused(f"The filter {node.name} takes plain values.", f"Write {chosen.sample}.")
        self.weighs |= node.name not in _TAKES_ANY_TEXT
        arguments = [self._argument(argument, chosen) for argument in node.args]
        _check_arguments(node.name, chosen, arguments)
        return self._apply(self.compile(node.node), node.name, chosen, arguments)

    def _argument(self, node: nodes.Expr, chosen: Filter) -> object:
        if isinstance(node, nodes.Const) and node.value is not None:
            return node.value
        if isinstance(node, nodes.Getattr | nodes.Name) and chosen is FILTERS["default"]:
            return self._name(node)
        raise Refused("A filter's argument is a text or a number.", f"Write {chosen.sample}.")

    def _apply(
        self, inner: Evaluate, name: str, chosen: Filter, arguments: list[object]
    ) -> Evaluate:
        sees_missing = name in {"default", "length"}
        place = self.place
        first = (self.words,) if chosen.speaks else ()
        apply = chosen.apply

        def evaluate(scope: Scope) -> object:
            value = inner(scope)
            if value is MISSING and not sees_missing:
                return MISSING
            given = [one(scope) if callable(one) else one for one in arguments]
            try:
                result = apply(value, *first, *given)
            except FilterFailed as failure:
                sentence = f"Line {place.line}: the filter {name} {failure}."
                raise Invalid(sentence, {place.field: sentence}) from None
            return MISSING if is_missing(result) else result

        return evaluate

    def _comparison(self, node: nodes.Compare) -> Evaluate:
        if len(node.ops) != 1:
            raise Refused("Compare two values at a time.", "Join comparisons with “and”.")
        self.weighs = True
        operand = node.ops[0]
        left = self.compile(node.expr)
        right = self._right_side(operand)
        compare, place, kind = _COMPARISONS[operand.op], self.place, operand.op

        def evaluate(scope: Scope) -> object:
            one, other = left(scope), right(scope)
            if one is MISSING or other is MISSING:
                return (one is other) == (kind == "eq") if kind in {"eq", "ne"} else kind == "notin"
            try:
                return compare(one, other)
            except TypeError:
                sentence = f"Line {place.line}: these two values cannot be compared."
                raise Invalid(sentence, {place.field: sentence}) from None

        return evaluate

    def _right_side(self, operand: nodes.Operand) -> Evaluate:
        listed = operand.expr
        if operand.op in {"in", "notin"} and isinstance(listed, nodes.List | nodes.Tuple):
            if not all(isinstance(item, nodes.Const) for item in listed.items):
                raise Refused("A list in a condition holds plain texts and numbers.")
            return _always([item.as_const() for item in listed.items])
        return self.compile(listed)


def is_true(value: object) -> bool:
    """Tell whether a condition's value holds; a missing value does not."""
    return value is not MISSING and bool(value)


def _always(value: object) -> Evaluate:
    return lambda _scope: value


def _both(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(scope: Scope) -> object:
        value = left(scope)
        return right(scope) if is_true(value) else value

    return evaluate


def _either(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(scope: Scope) -> object:
        value = left(scope)
        return value if is_true(value) else right(scope)

    return evaluate


def _lookup(root: str, attribute: str) -> Evaluate:
    def evaluate(scope: Scope) -> object:
        value = scope[root].get(attribute)  # type: ignore[attr-defined]  # roots are mappings
        return MISSING if is_missing(value) else value

    return evaluate


def _check_arguments(name: str, chosen: Filter, arguments: list[object]) -> None:
    expected = (*chosen.required, *chosen.optional)
    fits = len(chosen.required) <= len(arguments) <= len(expected) and all(
        isinstance(given, kind) for given, kind in zip(arguments, expected, strict=False)
    )
    if not fits or (name == "date" and any(one not in DATE_STYLES for one in arguments)):
        raise Refused(f"The filter {name} is not used like this.", f"Write {chosen.sample}.")


def _spelling(node: nodes.Node) -> str:
    match node:
        case nodes.Name(name=name):
            return str(name)
        case nodes.Getattr(node=inner, attr=attribute):
            return f"{_spelling(inner)}.{attribute}"
        case nodes.Const(value=value):
            return repr(value)
        case _:
            return "This name"


def _refusal(node: nodes.Node) -> Refused:
    match node:
        case nodes.Call():
            return Refused("Placeholders cannot call anything.", "Use a filter after | instead.")
        case nodes.Getitem():
            return Refused(
                "Square brackets are not part of the language.", "Write a dot: contact.name."
            )
        case nodes.Test():
            return Refused(
                "“is” tests are not part of the language.", "Write {% if contact.name %}."
            )
        case nodes.CondExpr():
            return Refused(
                "A condition inside a placeholder is not part of the language.",
                "Write {% if … %}…{% else %}…{% endif %}.",
            )
        case nodes.Concat() | nodes.BinExpr() | nodes.UnaryExpr():
            return Refused(
                "Placeholders do not calculate.", "Put texts and placeholders next to each other."
            )
        case _:
            return Refused("This is not part of the language.", "Use one value and its filters.")
