"""Campaign content: checked, compiled once, rendered for each person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from mailer.foundation.errors import Invalid
from mailer.rendering.blocks import Block, block_expressions
from mailer.rendering.building import Misplaced, build_text, build_tree
from mailer.rendering.clicks import Counted, Everybody, addresses_in, leading_through
from mailer.rendering.content import BodyFormat, CampaignContent, Problem, Rendered, Values
from mailer.rendering.expressions import Names
from mailer.rendering.footer import (
    CLICKS,
    STOP,
    SUBJECT,
    WHY,
    counting_nodes,
    footer_nodes,
    own_value,
)
from mailer.rendering.html_part import HtmlWriter, show_in_attribute
from mailer.rendering.markup import (
    MAX_DEPTH,
    comment_controls,
    nesting_depth,
    render_markdown,
    sanitise,
    strip_hidden,
)
from mailer.rendering.reading import Control, Reading, read_template
from mailer.rendering.running import (
    Program,
    Run,
    ValueStep,
    expressions_of,
    join_literals,
    run_program,
)
from mailer.rendering.skeleton import build_page
from mailer.rendering.text_part import RULE, TextWriter, lay_out
from mailer.rendering.tree import Node, always_shows, has_colours
from mailer.rendering.words import direction_of, words_for

_MAX_BODY = 200_000
_MAX_LINE = 1_000


@dataclass(frozen=True, slots=True)
class _Trees:
    subject: list[Node]
    preheader: list[Node]
    body: list[Node]


@dataclass(frozen=True, slots=True)
class CompiledContent:
    """A campaign ready to be rendered many times; holds nothing of any person."""

    subject: Program
    html: Program
    preheader: Program
    blocks: list[Block]
    footer: list[Block]

    def render(self, values: Values) -> Rendered:
        """Return one person's mail.

        Raises Invalid, with the field and line, where a placeholder without a default has no
        value, a value does not fit its place, or a subject would hold a line end (E-005).
        """
        scope: dict[str, object] = {
            "contact": values.contact,
            "campaign": values.campaign,
            "organisation": values.organisation,
            WHY: values.why,
            CLICKS: values.clicks,
            STOP: values.stop,
        }
        subject = _run(self.subject, scope).strip()
        scope[SUBJECT] = subject
        scope["campaign"] = {**values.campaign, "subject": subject}
        return Rendered(subject=subject, html=_run(self.html, scope), text=self._text(scope))

    def _text(self, scope: dict[str, object]) -> str:
        run = Run(scope)
        run_program(self.preheader, run)
        preheader = " ".join("".join(run.out).split())
        parts = [[preheader]] if preheader else []
        parts.append(lay_out(self.blocks, run))
        if self.footer:
            parts.append([RULE, "", *lay_out(self.footer, run)])
        return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def find_problems(content: CampaignContent, *, contact_fields: Collection[str]) -> list[Problem]:
    """Return what keeps the content from being sent, in the order of subject, preheader, body.

    Unknown names come with the nearest known one; everything that is not part of the template
    language is named with its line. Nothing of the content is run (S-061).
    """
    return _read(content, contact_fields)[1]


def compile_content(
    content: CampaignContent, *, contact_fields: Collection[str], counted: Counted | None = None
) -> CompiledContent:
    """Compile content for `render`; raises Invalid with the first problem of each field.

    With `counted`, its links are led through us, and the foot of every mail says so (C-103).
    """
    trees, problems = _read(content, contact_fields)
    if problems or trees is None:
        fields: dict[str, str] = {}
        for problem in problems:
            fields.setdefault(problem.field, str(problem))
        raise Invalid("The content cannot be sent as it is.", fields)
    words = words_for(content.language)
    subject = TextWriter(words, show=_one_line).compile_line(trees.subject)
    footer = footer_nodes(words) if content.has_automatic_footer else []
    lead = None
    if counted is not None:
        everybody = Everybody(subject, content.subject, counted.organisation, words)
        lead = leading_through(counted.numbers, everybody)
        footer = [*footer[:1], *counting_nodes(words), *footer[1:]]
    is_html = content.body_format is BodyFormat.HTML
    writer = HtmlWriter(words, None if is_html else direction_of(content.language), lead)
    text_writer = TextWriter(words)
    plain = HtmlWriter(words)
    page = build_page(
        language=content.language,
        has_own_colours=has_colours(trees.body),
        title=[ValueStep(own_value(SUBJECT), show_in_attribute, words)],
        preheader=list(plain.compile(trees.preheader)),
        body=list(writer.compile(trees.body)),
        footer=list(plain.compile(footer)),
    )
    return CompiledContent(
        subject=subject,
        html=join_literals(page),
        preheader=text_writer.compile_line(trees.preheader),
        blocks=TextWriter(words, lead=lead).compile(trees.body),
        footer=text_writer.compile(footer),
    )


def personal_names(content: CompiledContent) -> dict[str, bool]:
    """Say which of a person's values the content asks for, by name, and whether it weighs what they say.

    Where it does not, all that counts for `render` is whether there is a text at all (and, in a subject,
    that it is one line).
    """
    names: dict[str, bool] = {}
    for expression in (
        *expressions_of(content.subject),
        *expressions_of(content.html),
        *expressions_of(content.preheader),
        *block_expressions(content.blocks),
        *block_expressions(content.footer),
    ):
        for name in expression.uses:
            root, _, attribute = name.partition(".")
            if root == "contact":
                names[attribute] = names.get(attribute, False) or expression.weighs
    return names


def list_targets(
    content: CampaignContent, *, contact_fields: Collection[str], organisation: Mapping[str, str]
) -> list[str]:
    """Return where the links lead that are the same for everybody, each address once, in order.

    Only pages of the web; not the links to leave, to choose, or to the notice. Empty for content that
    cannot be sent.
    """
    trees, _ = _read(content, contact_fields)
    if trees is None:
        return []
    words = words_for(content.language)
    subject = TextWriter(words, show=_one_line).compile_line(trees.subject)
    return addresses_in(trees.body, Everybody(subject, content.subject, organisation, words))


def uses_unsubscribe_link(content: CampaignContent) -> bool:
    """Tell whether every mail of this content shows its unsubscribe link (E-030)."""
    return content.has_automatic_footer or _shows(content, "campaign.unsubscribe_url")


def uses_imprint(content: CampaignContent) -> bool:
    """Tell whether every mail of this content shows the organisation's imprint."""
    return content.has_automatic_footer or _shows(content, "organisation.imprint")


def _shows(content: CampaignContent, name: str) -> bool:
    trees, _ = _read(content, None)
    return trees is not None and always_shows(trees.body, name)


def _read(
    content: CampaignContent, contact_fields: Collection[str] | None
) -> tuple[_Trees | None, list[Problem]]:
    names = Names(None if contact_fields is None else frozenset(contact_fields))
    words = words_for(content.language)
    is_html = content.body_format is BodyFormat.HTML
    body = strip_hidden(content.body) if is_html else content.body
    problems = [
        *_size_problems("subject", content.subject, _MAX_LINE, lines=1),
        *_size_problems("preheader", content.preheader, _MAX_LINE, lines=1),
        *_size_problems("body", body, _MAX_BODY, lines=_MAX_BODY),
    ]
    if is_html and nesting_depth(body) > MAX_DEPTH:
        problems.append(
            Problem(field="body", line=1, message="The elements are nested too deeply.")
        )
    if problems:
        return None, problems
    subject, preheader, main = (
        read_template(source, where, names, words)
        for source, where in (
            (content.subject, "subject"),
            (content.preheader, "preheader"),
            (body, "body"),
        )
    )
    problems = [*subject.problems, *preheader.problems, *main.problems]
    if problems:
        return None, problems
    try:
        tree = build_tree(main, _safe_html(main, is_html=is_html), _line_finder(content.body))
    except Misplaced as misplaced:
        return None, [misplaced.problem]
    return _Trees(build_text(subject), build_text(preheader), tree), []


def _safe_html(reading: Reading, *, is_html: bool) -> str:
    if not is_html:
        return sanitise(render_markdown(reading))
    controls = {index for index, tag in enumerate(reading.tags) if isinstance(tag, Control)}
    return sanitise(comment_controls(reading, frozenset(controls)))


def _line_finder(source: str) -> Callable[[str], int]:
    def find(text: str) -> int:
        at = source.find(text) if text else -1
        return source.count("\n", 0, at) + 1 if at >= 0 else 1

    return find


def _size_problems(field: str, text: str, longest: int, *, lines: int) -> list[Problem]:
    if len(text) > longest:
        return [Problem(field=field, line=1, message=f"This is longer than {longest} characters.")]
    if len(text.splitlines()) > lines:
        return [Problem(field=field, line=1, message="This has to be one line.")]
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        return [Problem(field=field, line=1, message="This holds characters that are no text.")]
    return []


def _one_line(value: str) -> str:
    if "\n" in value:
        sentence = "A value in the subject holds a line end."
        raise Invalid(sentence, {"subject": sentence})
    return value


def _run(program: Program, scope: dict[str, object]) -> str:
    run = Run(scope)
    run_program(program, run)
    return "".join(run.out)
