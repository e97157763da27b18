"""Reading a template: the source cut into text and tags, each tag checked where it stands.

The text goes on without the tags: inert words stand in for them while Markdown and the sanitiser
do their work, and are exchanged for the checked tags in the tree afterwards. What a person's
values hold is therefore never read as Markdown, as HTML or as a template (S-062).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jinja2.exceptions import TemplateSyntaxError

from mailer.rendering.content import Problem
from mailer.rendering.expressions import SYNTAX, Names, Refused, compile_expression, dotted_name
from mailer.rendering.tree import Expression, Output, Place
from mailer.rendering.words import Words

_MAX_TAGS = 2_000
_MAX_LOOPS = 2
_MAX_OPEN = 20
_FOR = re.compile(r"(?s)([A-Za-z_]\w*)\s+in\s+(.+)")
_KEYWORD = re.compile(r"(?s)(\w+)\s*(.*)")
_KEYWORDS = ("if", "elif", "else", "endif", "for", "endfor")
_FOREIGN = {
    "set": "Values cannot be set here.",
    "include": "Other files cannot be included.",
    "import": "Other files cannot be imported.",
    "from": "Other files cannot be imported.",
    "extends": "A mail stands alone and extends nothing.",
    "macro": "Macros are not part of the language.",
    "block": "Blocks are not part of the language.",
    "call": "Macros are not part of the language.",
    "filter": "A filter stands after | inside a placeholder.",
    "with": "Values cannot be set here.",
}


@dataclass(slots=True)
class Control:
    """A checked {% %} tag; `kind` is its keyword."""

    kind: str
    place: Place
    evaluate: Expression | None = None
    variable: str = ""
    name: str = ""


Tag = Output | Control


@dataclass(slots=True)
class Reading:
    """A template whose tags are checked: its text with words for the tags, and the tags."""

    text: str
    tags: list[Tag]
    words_pattern: re.Pattern[str]
    problems: list[Problem]

    def split(self, text: str) -> Iterator[str | Tag]:
        """Return the text's pieces with the tags in the place of their words."""
        for index, piece in enumerate(self.words_pattern.split(text)):
            if index % 2:
                yield self.tags[int(piece)]
            elif piece:
                yield piece


@dataclass(slots=True)
class _Open:
    control: Control
    names: Names
    has_else: bool = False


@dataclass(slots=True)
class _Reader:
    where: str
    names: Names
    words: Words
    problems: list[Problem] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    open_tags: list[_Open] = field(default_factory=list)

    def add_problem(self, line: int, message: str, suggestion: str | None = None) -> None:
        """Note a problem of this field."""
        self.problems.append(
            Problem(field=self.where, line=line, message=message, suggestion=suggestion)
        )

    def read_output(self, source: str, line: int) -> None:
        """Check a {{ }} placeholder and keep it as a tag, or note what is wrong with it."""
        place = Place(self.where, line)
        try:
            evaluate = compile_expression(source, names=self.names, place=place, words=self.words)
        except Refused as refused:
            self.add_problem(line, refused.message, refused.suggestion)
            return
        self.tags.append(Output(dotted_name(source), evaluate, place))

    def read_control(self, source: str, line: int) -> None:
        """Check a {% %} tag and keep it, or note what is wrong with it."""
        found = _KEYWORD.fullmatch(source.strip())
        keyword, rest = (found[1], found[2]) if found else (source.strip(), "")
        try:
            control = self._checked(keyword, rest, Place(self.where, line))
        except Refused as refused:
            self.add_problem(line, refused.message, refused.suggestion)
            return
        self.tags.append(control)

    def _checked(self, keyword: str, rest: str, place: Place) -> Control:
        match keyword:
            case "if":
                control = Control("if", place)
                self._open(control, self.names)
                control.evaluate = self._condition(rest, place)
                return control
            case "for":
                return self._loop(rest, place)
            case "elif":
                self._inside("if", keyword)
                return Control("elif", place, self._condition(rest, place))
            case "else":
                self._inside("if", keyword).has_else = True
                return Control("else", place)
            case "endif" | "endfor":
                opened = self._inside(keyword.removeprefix("end"), keyword)
                self.open_tags.pop()
                self.names = opened.names
                return Control(keyword, place)
            case _:
                raise Refused(
                    _FOREIGN.get(keyword, f"There is no tag {{% {keyword[:40]} %}}."),
                    f"There are {', '.join(_KEYWORDS)}.",
                )

    def _open(self, control: Control, names: Names) -> None:
        if len(self.open_tags) >= _MAX_OPEN:
            raise Refused(f"Tags are nested deeper than {_MAX_OPEN} here.")
        self.open_tags.append(_Open(control, self.names))
        self.names = names

    def _inside(self, kind: str, keyword: str) -> _Open:
        if not self.open_tags or self.open_tags[-1].control.kind != kind:
            raise Refused(f"{{% {keyword} %}} has no {{% {kind} … %}} that it belongs to.")
        opened = self.open_tags[-1]
        if opened.has_else and keyword in {"elif", "else"}:
            raise Refused(f"{{% {keyword} %}} cannot come after {{% else %}}.")
        return opened

    def _condition(self, source: str, place: Place) -> Expression:
        if not source:
            raise Refused("The condition is missing.", "Write {% if contact.name %}.")
        return compile_expression(source, names=self.names, place=place, words=self.words)

    def _loop(self, source: str, place: Place) -> Control:
        found = _FOR.fullmatch(source)
        sample = "Write {% for item in contact.items %}."
        variable, listed = (found[1], found[2].strip()) if found else ("", "")
        control = Control("for", place, None, variable, listed)
        depth = sum(one.control.kind == "for" for one in self.open_tags)
        taken = self.names.variables
        self._open(control, self.names.with_variable(variable))
        if found is None:
            raise Refused("This loop cannot be read.", sample)
        if variable in {"contact", "campaign", "organisation", "why", *taken}:
            raise Refused(f"The name {variable} is taken.", "Choose another name for the item.")
        if depth >= _MAX_LOOPS:
            raise Refused(f"Loops are nested deeper than {_MAX_LOOPS} here.")
        if not re.fullmatch(r"contact\s*\.\s*\w+", listed):
            raise Refused("A loop goes through one list of the contact.", sample)
        control.evaluate = compile_expression(
            listed, names=self.names, place=place, words=self.words
        )
        return control


def read_template(source: str, where: str, names: Names, words: Words) -> Reading:
    """Cut a template into text and checked tags; what is wrong is in `problems`."""
    reader = _Reader(where, names, words)
    prefix = _unused_prefix(source)
    pieces: list[str] = []
    try:
        _read_pieces(reader, source, prefix, pieces)
    except TemplateSyntaxError as error:
        message, suggestion = _explain(str(error.message))
        reader.add_problem(error.lineno, message, suggestion)
        reader.open_tags.clear()
    for opened in reader.open_tags:
        kind = opened.control.kind
        reader.add_problem(
            opened.control.place.line,
            f"This {{% {kind} %}} is never closed.",
            f"Add {{% end{kind} %}} where it should end.",
        )
    if len(reader.tags) > _MAX_TAGS:
        reader.add_problem(1, f"There are more than {_MAX_TAGS} placeholders.")
    pattern = re.compile(f"{prefix}(\\d+)z")
    return Reading("".join(pieces), reader.tags, pattern, reader.problems)


def _read_pieces(reader: _Reader, source: str, prefix: str, pieces: list[str]) -> None:
    inside: str | None = None
    begun_on = 1
    expression: list[str] = []
    for line, kind, value in SYNTAX.lex(source):
        if kind in {"variable_begin", "block_begin"}:
            inside, begun_on, expression = kind, line, []
        elif kind in {"variable_end", "block_end"}:
            count = len(reader.tags)
            read = reader.read_output if kind == "variable_end" else reader.read_control
            read("".join(expression), begun_on)
            if len(reader.tags) > count:
                pieces.append(f"{prefix}{count}z")
            inside = None
        elif inside is not None:
            expression.append(" " if kind == "whitespace" else value)
        elif kind == "data":
            pieces.append(value)
    if inside is not None:
        mark = "}}" if inside == "variable_begin" else "%}"
        reader.add_problem(begun_on, "This placeholder is never closed.", f"Add {mark} at its end.")


def _unused_prefix(source: str) -> str:
    prefix = "zq"
    while prefix in source.lower():
        prefix += "xq"
    return prefix


def _explain(message: str) -> tuple[str, str | None]:
    if "“" in message or "”" in message or "‘" in message or "’" in message:
        return "Curly quotes stand inside a placeholder.", 'Use straight quotes: "there".'
    if "end of comment" in message:
        return "A comment {# is never closed.", "Add #} at its end."
    return f"A placeholder cannot be read: {message}.", None
