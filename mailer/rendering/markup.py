"""From an author's body to safe HTML: Markdown is rendered, HTML is sanitised (S-060).

Both ways end in the sanitiser, so what follows has to trust one piece of code only. Style sheets
are dropped, for no mail program honours them all and each is a way around the sanitiser; inline
style is kept with the properties listed here.
"""

from __future__ import annotations

import re

import nh3
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock

from mailer.rendering.reading import Control, Reading

_TEXT_TAGS = (
    "a abbr address b bdi bdo big blockquote br center cite code dd del details dfn div dl dt em"
    " figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section"
    " article header footer main small span strike strong sub summary sup tt u ul var wbr"
)
_TABLE_TAGS = "table caption colgroup col thead tbody tfoot tr th td"
_TAGS = frozenset(f"{_TEXT_TAGS} {_TABLE_TAGS}".split())
_GONE = frozenset(
    [
        "head",
        "title",
        "style",
        "script",
        "noscript",
        "template",
        "iframe",
        "object",
        "embed",
        "svg",
        "math",
        "form",
        "select",
        "option",
        "textarea",
        "button",
        "video",
        "audio",
        "canvas",
        "frameset",
    ]
)
_BOX = frozenset(["align", "valign", "bgcolor", "width", "height"])
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"style", "title", "lang", "dir", "role", "align", "aria-label", "aria-hidden"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "table": {*_BOX, "border", "cellpadding", "cellspacing", "summary"},
    "tr": {*_BOX},
    "td": {*_BOX, "colspan", "rowspan", "headers", "abbr"},
    "th": {*_BOX, "colspan", "rowspan", "scope", "headers", "abbr"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "hr": {"size", "width", "color"},
    "bdo": {"dir"},
    "details": {"open"},
}
_PROPERTIES = frozenset(
    [
        "background",
        "background-color",
        "border",
        "border-bottom",
        "border-bottom-color",
        "border-bottom-style",
        "border-bottom-width",
        "border-collapse",
        "border-color",
        "border-left",
        "border-left-color",
        "border-left-style",
        "border-left-width",
        "border-radius",
        "border-right",
        "border-right-color",
        "border-right-style",
        "border-right-width",
        "border-spacing",
        "border-style",
        "border-top",
        "border-top-color",
        "border-top-style",
        "border-top-width",
        "border-width",
        "box-sizing",
        "clear",
        "color",
        "direction",
        "display",
        "float",
        "font",
        "font-family",
        "font-size",
        "font-style",
        "font-variant",
        "font-weight",
        "height",
        "hyphens",
        "letter-spacing",
        "line-height",
        "list-style",
        "list-style-position",
        "list-style-type",
        "margin",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "margin-top",
        "max-height",
        "max-width",
        "min-height",
        "min-width",
        "opacity",
        "overflow",
        "overflow-wrap",
        "padding",
        "padding-bottom",
        "padding-left",
        "padding-right",
        "padding-top",
        "table-layout",
        "text-align",
        "text-decoration",
        "text-indent",
        "text-transform",
        "unicode-bidi",
        "vertical-align",
        "white-space",
        "width",
        "word-break",
        "word-spacing",
        "word-wrap",
    ]
)
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "data"})
_RASTER = re.compile(r"(?i)data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_DATA = re.compile(r"(?i)[\s\x00-\x20]*data:")
_DECLARATION = re.compile(
    r"(?i)\s*[a-z-]+\s*:(?:[\w\s#%.,'\"!/+*-]|(?:rgb|rgba|hsl|hsla)\([\d\s.,%/]*\))+"
)
_COMMENTS = re.compile(r"(?is)<!--.*?(?:-->|\Z)|<(style|script|title)\b.*?(?:</\1\s*>|\Z)")
_TAG_TEXT = re.compile(r"""<[A-Za-z/](?:[^<>"']|"[^"]*"|'[^']*')*>""")
_OPENING = re.compile(r"<(/?)([A-Za-z][\w:-]*)")
_CLOSED_BY_THEMSELVES = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "dd",
        "dt",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "tfoot",
        "option",
    ]
)
MAX_DEPTH = 100


def strip_hidden(body: str) -> str:
    """Return an HTML body without comments and style sheets; its lines keep their numbers."""
    stripped = _COMMENTS.sub(lambda found: "\n" * found[0].count("\n"), body)
    return stripped.replace("<!--", "&lt;!--")  # taking one comment out may have made another


def nesting_depth(body: str) -> int:
    """Return about how deeply elements stand in each other: depth costs the sanitiser squared."""
    depth = deepest = 0
    for closing, tag in _OPENING.findall(body):
        if tag.lower() in _CLOSED_BY_THEMSELVES:
            continue
        depth = max(depth - 1, 0) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest


def render_markdown(reading: Reading) -> str:
    """Return the HTML of a Markdown template (CommonMark and tables, raw HTML shown as text).

    A line of tags only becomes a block of its own: it ends the paragraph or list before it.
    """
    lone = re.compile(f"(?:{reading.words_pattern.pattern}\\s*)+")
    controls = {index for index, tag in enumerate(reading.tags) if isinstance(tag, Control)}

    def control_line(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
        line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
        if not lone.fullmatch(line):
            return False
        words = [int(found) for found in reading.words_pattern.findall(line)]
        if not controls.issuperset(words):
            return False
        if not silent:
            token = state.push("html_block", "", 0)
            token.content = line.strip() + "\n"
            token.map = [start, start + 1]
        state.line = start + 1
        return True

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"])
    ends: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list", "table"]}
    parser.block.ruler.before("code", "control_line", control_line, ends)
    return str(parser.render(reading.text))


def comment_controls(reading: Reading, controls: frozenset[int]) -> str:
    """Return an HTML template whose controls are comments, which may stand between table rows."""

    def as_comment(found: re.Match[str]) -> str:
        return f"<!--{found[0]}-->" if int(found[1]) in controls else found[0]

    pieces: list[str] = []
    end = 0
    for tag in _TAG_TEXT.finditer(reading.text):
        pieces.append(reading.words_pattern.sub(as_comment, reading.text[end : tag.start()]))
        pieces.append(tag[0])
        end = tag.end()
    pieces.append(reading.words_pattern.sub(as_comment, reading.text[end:]))
    return "".join(pieces)


def sanitise(html: str) -> str:
    """Return the HTML with nothing but what a mail may hold: no script, form, frame or SVG."""
    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_GONE),
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        strip_comments=False,
        link_rel=None,
        url_schemes=set(_SCHEMES),
        filter_style_properties=set(_PROPERTIES),
    )


def is_allowed(tag: str) -> bool:
    """Tell whether a mail may hold this element."""
    return tag in _TAGS


def allowed_value(tag: str, attribute: str, value: str) -> str | None:
    """Return what may stay of an attribute's value; None where the attribute has to go."""
    if attribute not in _ATTRIBUTES["*"] and attribute not in _ATTRIBUTES.get(tag, ()):
        return None
    return _keep_attribute(tag, attribute, value)


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "style":
        kept = [part.strip() for part in value.split(";") if _DECLARATION.fullmatch(part)]
        return ";".join(kept) or None
    if attribute in {"href", "src"} and _DATA.match(value):
        return value if tag == "img" and _RASTER.fullmatch(value) else None
    return value
