from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer import rendering
from mailer.foundation.errors import Invalid
from mailer.rendering import Attachment, Mail

UNSUBSCRIBE = "https://mail.example/unsubscribe/" + "Ab-_9" * 60
LIST_HEADERS = (
    ("List-Unsubscribe", f"<{UNSUBSCRIBE}>, <mailto:unsubscribe@mail.example?subject=x>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("List-Id", "News <news.bakery.example>"),
    ("Feedback-ID", "c12:o3:news:mailer"),
)
# Text of one line as people write it: any character but controls and surrogates.
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200).map(
    lambda text: " ".join(text.split(" ")).strip()
)
BODY = st.text(st.characters(exclude_categories=["Cs"]), max_size=600)
HOSTILE = [
    "",
    "=?utf-8?q?x?=",
    "x" * 900,
    "é" * 300,
    "👩‍👩‍👧‍👦" * 40,
    "مرحبا بالعالم " * 12,
    "a" * 75 + " " + "b" * 75,
    "two  blanks",
    'quo"te\\d, <b@example.org>',
    "plain words that go on and on until the line has to be folded somewhere near its end",
]


def make_mail(**changes: object) -> Mail:
    given = {
        "from_name": "Bakery",
        "from_address": "news@bakery.example",
        "to_address": "cleo@example.org",
        "to_name": "Cleo",
        "reply_to": None,
        "subject": "News",
        "text": "Hello\n",
        "html": "<p>Hello</p>\n",
        "message_id": "c1.abc@bakery.example",
        "date": datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        "headers": LIST_HEADERS,
        **changes,
    }
    return Mail(**given)  # type: ignore[arg-type]  # the fields as the test changes them


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def shown_name(raw: bytes, field: str) -> str:
    """The display name as RFC 2047 decodes it.

    The newer parser of the standard library keeps the blank between neighbouring encoded words
    of a phrase, which the RFC drops; the older decoder is right.
    """
    name, _ = parseaddr(str(email.message_from_bytes(raw)[field]).replace("\r\n", ""))
    return str(make_header(decode_header(name)))


def part_text(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    assert part.defects == []
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def assert_fit_for_the_wire(raw: bytes) -> None:
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    assert all(byte < 128 for byte in raw)
    assert b"\0" not in raw
    head, body = raw.split(b"\r\n\r\n", 1)
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))
    for line in head.split(b"\r\n"):
        assert line.strip()
        if b"=?" in line:
            assert len(line) <= 76
    fields = re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
    for field in fields:
        name = field.split(b":")[0].lower()
        if name.startswith(b"list-") or name == b"message-id":
            assert b"=?" not in field


def test_a_mail_has_its_headers_and_both_parts() -> None:
    raw = rendering.compose(make_mail())
    assert_fit_for_the_wire(raw)
    message = read(raw)
    assert message["From"] == "Bakery <news@bakery.example>"
    assert message["To"] == "Cleo <cleo@example.org>"
    assert message["Message-ID"] == "<c1.abc@bakery.example>"
    assert message["Date"].datetime == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    assert message.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]
    assert [one.get_content_charset() for one in message.iter_parts()] == ["utf-8", "utf-8"]
    assert part_text(message, "plain") == "Hello\n"
    assert part_text(message, "html") == "<p>Hello</p>\n"


def test_the_same_mail_is_the_same_bytes() -> None:
    assert rendering.compose(make_mail()) == rendering.compose(make_mail())


@pytest.mark.requirement("E-001")
@pytest.mark.requirement("E-006")
@settings(max_examples=200, deadline=None)
@given(text=BODY, html=st.none() | BODY)
@example(text=".\n..\n.x", html=".\n" * 5)
@example(text="x" * 5000, html="é" * 5000)
@example(text="a \t\n b  \n\n", html="From me\n--=_x\n")
@example(text="a\rb\r\nc", html="\r")
@example(text=f"Unsubscribe: {UNSUBSCRIBE}", html=f'<a href="{UNSUBSCRIBE}">x</a>')
@example(text="." + "x" * 200, html="=" * 200)
def test_bodies_come_back_exactly(text: str, html: str | None) -> None:
    mail = make_mail(text=text, html=html)
    if not text.strip():
        with pytest.raises(Invalid) as caught:
            rendering.compose(mail)
        assert list(caught.value.fields) == ["text"]
        return
    raw = rendering.compose(mail)
    assert_fit_for_the_wire(raw)
    message = read(raw)

    def lines(body: str) -> str:
        return body.replace("\r\n", "\n").replace("\r", "\n")

    if html is None:
        assert message.get_content_type() == "text/plain"
        assert part_text(message, "plain").removesuffix("\n") == lines(text).removesuffix("\n")
    else:
        assert part_text(message, "plain") == lines(text)
        assert part_text(message, "html") == lines(html)


@pytest.mark.requirement("E-004")
@settings(max_examples=300, deadline=None)
@given(subject=LINE, from_name=LINE, to_name=LINE)
@example(subject="", from_name="", to_name="")
def test_subject_and_names_come_back_exactly(subject: str, from_name: str, to_name: str) -> None:
    raw = rendering.compose(make_mail(subject=subject, from_name=from_name, to_name=to_name))
    assert_fit_for_the_wire(raw)
    message = read(raw)
    assert str(message["Subject"]) == subject
    for field, name in (("From", from_name), ("To", to_name)):
        assert shown_name(raw, field) == name
    assert message["From"].addresses[0].addr_spec == "news@bakery.example"
    assert message["To"].addresses[0].addr_spec == "cleo@example.org"


@pytest.mark.parametrize(
    "name", ["Cleo", "Zoë", "O'Neil, Cleo", 'Cleo "C" B', "克莱奥", "C <x>", "a.b"]
)
def test_ordinary_names_come_back_from_either_parser(name: str) -> None:
    raw = rendering.compose(make_mail(to_name=name))
    assert read(raw)["To"].addresses[0].display_name == name
    assert shown_name(raw, "To") == name


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_subjects_and_names_come_back_exactly(hostile: str) -> None:
    raw = rendering.compose(make_mail(subject=hostile.strip(), to_name=hostile.strip()))
    assert_fit_for_the_wire(raw)
    message = read(raw)
    assert str(message["Subject"]) == hostile.strip()
    assert shown_name(raw, "To") == hostile.strip()
    assert message["To"].addresses[0].addr_spec == "cleo@example.org"


@pytest.mark.requirement("E-002")
def test_each_own_header_is_there_once() -> None:
    raw = rendering.compose(make_mail(reply_to="answers@bakery.example"))
    names = [name.lower() for name in read(raw).keys()]  # noqa: SIM118 - keys with repetitions
    for name in ("from", "to", "subject", "date", "message-id", "mime-version", "reply-to"):
        assert names.count(name) == 1


@pytest.mark.requirement("E-002")
@pytest.mark.parametrize(
    "name", ["From", "TO", "Cc", "bcc", "Message-Id", "MIME-Version", "Content-Type"]
)
def test_an_extra_header_cannot_double_one_of_ours(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        rendering.compose(make_mail(headers=((name, "x"),)))
    assert list(caught.value.fields) == ["headers"]


def test_an_extra_header_stands_at_most_once() -> None:
    with pytest.raises(Invalid, match="already"):
        rendering.compose(make_mail(headers=(("List-Help", "<x>"), ("list-help", "<y>"))))


@pytest.mark.requirement("E-003")
def test_a_long_unsubscribe_address_is_neither_encoded_nor_broken() -> None:
    raw = rendering.compose(make_mail())
    assert f"List-Unsubscribe: <{UNSUBSCRIBE}>,\r\n <mailto:".encode() in raw
    assert str(read(raw)["List-Unsubscribe"]) == LIST_HEADERS[0][1]


@pytest.mark.requirement("E-003")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("List-Unsubscribe", "<https://bäckerei.example/>"),
        ("List-Help", "=?utf-8?q?x?="),
        ("Auto-Submitted", "auto-générated"),
        ("X-Empty", " "),
        ("X-Bad Name", "x"),
        ("X:Bad", "x"),
        ("", "x"),
        ("X-Ä", "x"),
        ("X-Long", "x" * 1000),
        ("X-Control", "a\x07b"),
        ("List-Id", "News <news.bäckerei.example>"),
    ],
)
def test_a_structured_header_that_would_break_is_refused(name: str, value: str) -> None:
    with pytest.raises(Invalid):
        rendering.compose(make_mail(headers=((name, value),)))


@pytest.mark.parametrize("phrase", ["Bäckerei, Neues", "News & more", "News, weekly", ""])
def test_the_phrase_of_a_list_id_may_be_in_any_language(phrase: str) -> None:
    raw = rendering.compose(make_mail(headers=(("List-Id", f"{phrase} <n.bakery.example>"),)))
    value = str(read(raw)["List-Id"])
    assert value.replace('"', "") == f"{phrase} <n.bakery.example>".strip()
    assert b"<n.bakery.example>\r\n" in raw


@pytest.mark.requirement("E-005")
@pytest.mark.parametrize(
    "injected", ["a\r\nBcc: x@example.org", "a\nb", "a\rb", "a\0b", "a\r\n\r\nb"]
)
@pytest.mark.parametrize(
    "field",
    ["subject", "from_name", "to_name", "reply_to", "to_address", "from_address", "message_id"],
)
def test_a_line_end_in_a_header_is_refused(field: str, injected: str) -> None:
    value = (
        f"{injected}@example.org" if field.endswith(("address", "reply_to", "_id")) else injected
    )
    with pytest.raises(Invalid):
        rendering.compose(make_mail(**{field: value}))


@pytest.mark.requirement("E-005")
def test_a_line_end_in_an_extra_header_is_refused() -> None:
    for header in (("X-A", "a\r\nBcc: b@example.org"), ("X-A\r\nBcc", "b@example.org")):
        with pytest.raises(Invalid):
            rendering.compose(make_mail(headers=(header,)))


@pytest.mark.requirement("E-007")
def test_a_domain_of_any_script_becomes_an_a_label() -> None:
    raw = rendering.compose(make_mail(from_address="post@Bäckerei.example", to_address="a@例え.jp"))
    assert b"<post@xn--bckerei-5wa.example>" in raw
    assert b"<a@xn--r8jz45g.jp>" in raw
    raw = rendering.compose(make_mail(message_id="x@bäckerei.example"))
    assert b"\r\nMessage-ID: <x@xn--bckerei-5wa.example>\r\n" in raw
    assert not rendering.needs_smtputf8(make_mail(from_address="post@bäckerei.example"))


@pytest.mark.requirement("E-007")
def test_a_local_part_beyond_ascii_stays_as_it_is() -> None:
    mail = make_mail(to_address="jörg@bäckerei.example", to_name="Jörg")
    assert rendering.needs_smtputf8(mail)
    raw = rendering.compose(mail)
    assert "<jörg@xn--bckerei-5wa.example>".encode() in raw


@pytest.mark.parametrize(
    "address",
    [
        *("", "x", "@x.example", "x@", "a b@x.example", "a@b@c.example", "<a@x.example>"),
        *('"a b"@x.example', "a@x.example, b@x.example", "a@[127.0.0.1]", "a..b@x.example"),
        *(".a@x.example", "a@x..example", "a@-.\u2603\u200d.x", "a" * 250 + "@x.example"),
    ],
)
def test_an_address_that_is_not_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid):
        rendering.compose(make_mail(to_address=address))


@pytest.mark.parametrize(
    "changes",
    [
        {"date": datetime(2026, 1, 1)},  # noqa: DTZ001 - a naive date is the case
        {"message_id": "<a@b.example>"},
        {"message_id": "a"},
        {"message_id": "a=?b@c.example"},
        {"text": " \n "},
        {"text": "a\ud800"},
        {"html": "a\ud800"},
        {"subject": "a\ud800"},
    ],
)
def test_a_mail_that_cannot_be_right_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        rendering.compose(make_mail(**changes))


def test_a_date_keeps_its_own_zone() -> None:
    date = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert b"\r\nDate: Thu, 01 Jan 2026 00:00:00 +0200\r\n" in rendering.compose(
        make_mail(date=date)
    )


def test_the_boundary_cannot_occur_in_a_body() -> None:
    boundary = read(rendering.compose(make_mail())).get_boundary()
    assert boundary is not None
    assert boundary.startswith("=_")
    other = read(rendering.compose(make_mail(message_id="c2.abc@bakery.example")))
    assert other.get_boundary() != boundary
    raw = rendering.compose(make_mail(text=f"--{boundary}\nx", html=f"--{boundary}--"))
    assert part_text(read(raw), "plain") == f"--{boundary}\nx"
    assert raw.count(f"\r\n--{boundary}".encode()) == 3


def test_attached_files_come_back_exactly_beside_both_parts() -> None:
    body = bytes(range(256)) * 5
    file = Attachment(filename="receipt.json", media_type="application/json", body=body)
    raw = rendering.compose(
        make_mail(headers=(), attachments=(file, replace(file, filename="second.bin")))
    )
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 76
    read = email.message_from_bytes(raw, policy=SMTP)
    assert read.get_content_type() == "multipart/mixed"
    first, *files = read.iter_parts()
    assert first.get_content_type() == "multipart/alternative"
    assert [part.get_filename() for part in files] == ["receipt.json", "second.bin"]
    assert [part.get_content() for part in files] == [body, body]


@pytest.mark.parametrize(
    "change",
    [
        {"filename": 'a"b.json'},
        {"filename": "../up"},
        {"filename": "a\r\nb"},
        {"filename": ""},
        {"media_type": "text/x; a=b"},
    ],
)
def test_a_file_whose_name_or_type_would_break_the_header_is_refused(
    change: dict[str, str],
) -> None:
    file = Attachment(filename="a.json", media_type="application/json", body=b"{}")
    with pytest.raises(Invalid):
        rendering.compose(make_mail(attachments=(replace(file, **change),)))
