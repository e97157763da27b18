from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.rendering.markup import nesting_depth, sanitise
from tests.rendering.sample import main_html, problems_of, render

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></math>",
    "<iframe src='https://evil.example'></iframe>",
    "<object data='https://evil.example'></object><embed src='https://evil.example'>",
    "<form action='https://evil.example'><input name=a><button>x</button></form>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVa&#09;Script:alert(1)'>x</a>",
    "<a href='&#x6A;avascript:alert(1)'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<img src='data:text/html,x'>",
    "<img src=' data:image/svg+xml,x'>",
    "<a href='data:image/png;base64,aaaa'>x</a>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<p style='width:expression(alert(1))'>x</p>",
    "<p style='color:red;position:fixed;top:0;behavior:url(x)'>x</p>",
    "<p style='background:u\\72l(https://evil.example)'>x</p>",
    "<p style='background-image:url(https://evil.example)'>x</p>",
    "<style>@import 'https://evil.example';</style>",
    "<link rel=stylesheet href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example'>",
    "<template><script>x</script></template><noscript><p title='</noscript><img src=x onerror=x>'>",
    "<p onclick=alert(1) id=x class=quiet>x</p>",
    "<video src=x onerror=alert(1)></video><audio src=x>",
    "<textarea><script>x</script></textarea><select><option>x</select>",
    "<body onload=alert(1) background=https://evil.example>x</body>",
    "<!--[if mso]><script>x</script><![endif]-->",
    "<table background='javascript:x'><td background='https://evil.example'>x</table>",
]
FORBIDDEN = re.compile(
    r"(?i)<(?:script|iframe|object|embed|form|input|button|svg|math|style|link|meta|base|video|audio"
    r"|textarea|select|template|noscript|body)\b|<[^>]*\son\w+=|script:|expression|url\(|data:(?!image/"
    r"(?:png|jpeg|gif|webp);)|position|<!--|<[^>]*\s(?:id|class|background)="
)


def test_markup_that_mails_need_is_kept() -> None:
    body = (
        '<table role="presentation" width="600" cellpadding="0" bgcolor="#eeeeee"><tr>'
        '<td align="center" valign="top" style="padding:8px;color:#333;font-family:Arial">'
        '<a href="https://x.example/?a=1&amp;b=2" title="T">x</a>'
        '<img src="https://x.example/a.png" alt="A loaf" width="10"><br>é</td></tr></table>'
    )
    assert main_html(render(body, html=True)) == body


@pytest.mark.requirement("S-060")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_could_act_is_taken_out(hostile: str) -> None:
    html = re.sub("(?s)<!--.*?-->", "", sanitise(hostile))
    assert not FORBIDDEN.search(html)
    if not problems_of(f"<p>kept</p>{hostile}", html=True):
        shown = main_html(render(f"<p>kept</p>{hostile}", html=True))
        assert shown.startswith("<p>kept</p>")
        assert not FORBIDDEN.search(shown)


@pytest.mark.requirement("S-060")
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*HOSTILE, "<p>", "</p>", "<table>", "<a href='", "'>", '"', "<b", "-->"]),
        min_size=1,
        max_size=6,
    ).map("".join)
)
def test_no_mixture_of_hostile_pieces_gets_through(body: str) -> None:
    if problems_of(body, html=True):
        return
    tags = re.findall(r"<[^>]*>", main_html(render(body, html=True)))
    assert not [tag for tag in tags if FORBIDDEN.search(tag)]


@pytest.mark.parametrize(
    "hostile",
    [
        "<!<!-- x -->-- a -- > <script>alert(1)</script> -->",
        "<!<!-- x -->-- a --!> <img src=https://x.example onerror=alert(1)> -->",
        "<!-- a --!> <script>alert(1)</script>",
        "<!--><script>alert(1)</script>-->",
        "<!---><script>alert(1)</script>-->",
        "<? x > <script>alert(1)</script> ?>",
        "<!x -- > <script>alert(1)</script> -->",
        "</ x><script>alert(1)</script>",
        "<![CDATA[ <script>alert(1)</script> ]]>",
        "<sty<style></style>le><img src=x onerror=alert(1)>",
        "<p title='<!-- -- ><script>alert(1)</script>'>x</p>",
    ],
)
def test_comments_cannot_smuggle_elements_past_the_sanitiser(hostile: str) -> None:
    assert problems_of(hostile, html=True) == []
    assert not re.search("(?i)<script|<[^>]*onerror|<!--", main_html(render(hostile, html=True)))


@pytest.mark.requirement("S-060")
def test_raster_images_may_stand_in_the_mail_itself() -> None:
    body = '<img src="data:image/png;base64,iVBORw0KGgo=" alt="">'
    assert main_html(render(body, html=True)) == body
    assert "<img" in sanitise('<img src="data:image/svg+xml;base64,x">')
    assert "svg" not in sanitise('<img src="data:image/svg+xml;base64,x">')


def test_style_keeps_what_is_harmless_and_drops_the_rest() -> None:
    html = sanitise('<p style="color:rgb(1, 2, 3);position:fixed;margin:0 auto;top:0">x</p>')
    assert "color:rgb(1, 2, 3)" in html
    assert "margin:0 auto" in html
    assert "position" not in html
    assert "top" not in html


def test_markdown_shows_html_as_text() -> None:
    html = main_html(render("<b>bold</b> <script>alert(1)</script> [x](javascript:alert(1))"))
    assert "<b>" not in html
    assert "<script" not in html
    assert "<a" not in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html


def test_markdown_knows_tables_and_does_not_guess_links() -> None:
    assert "<table" in render("| A |\n|---|\n| 1 |").html
    assert "<a" not in main_html(render("https://bakery.example and www.bakery.example"))


def test_a_line_of_tags_only_is_a_block_of_its_own() -> None:
    html = main_html(render("One\n{% if 1 %}\nTwo\n{% endif %}\nThree"))
    assert re.findall("<p[^>]*>(.*?)</p>", html) == ["One", "Two", "Three"]


def test_depth_counts_only_what_nests() -> None:
    assert nesting_depth("<div><p>a<p>b<br><li>c</div>") == 1
    assert nesting_depth("<div>" * 5) == 5
    assert nesting_depth("<b></b>" * 5) == 1
