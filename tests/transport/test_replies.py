from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.transport.replies import Garbled, Reply, ReplyParser


def read(octets: bytes) -> list[Reply]:
    return list(ReplyParser().feed(octets))


def test_a_reply_has_a_code_an_enhanced_code_and_a_text() -> None:
    (reply,) = read(b"550 5.1.1 No such user\r\n")
    assert (reply.code, reply.enhanced, reply.text) == (550, "5.1.1", "5.1.1 No such user")


def test_several_lines_are_one_reply() -> None:
    (reply,) = read(b"250-one\r\n250-two\r\n250 three\r\n")
    assert reply.lines == (b"one", b"two", b"three")
    assert reply.text == "one two three"


def test_a_code_alone_is_a_reply() -> None:
    assert read(b"250\r\n") == [Reply(250, (b"",))]


def test_an_enhanced_code_of_another_class_is_none() -> None:
    assert read(b"550 2.1.1 odd\r\n")[0].enhanced is None


def test_a_text_cannot_carry_control_signs_nor_grow_long() -> None:
    (reply,) = read(b"250 a\x00b\x1b[31m\xff" + b"x" * 5000 + b"\r\n")
    assert reply.text.startswith("a b [31m\ufffd")
    assert reply.text.isprintable()
    assert len(reply.text) <= 1000


@given(
    st.lists(
        st.tuples(st.integers(200, 599), st.lists(st.binary(max_size=20), min_size=1, max_size=4)),
        max_size=6,
    ),
    st.data(),
)
def test_it_does_not_matter_how_the_stream_is_cut(
    replies: list[tuple[int, list[bytes]]], data: st.DataObject
) -> None:
    stream, expected = b"", []
    for code, raw in replies:
        lines = [line.replace(b"\r", b"").replace(b"\n", b"") for line in raw]
        marks = [b"-"] * (len(lines) - 1) + [b" "]
        stream += b"".join(b"%d%s%s\r\n" % (code, m, t) for m, t in zip(marks, lines, strict=True))
        expected.append(Reply(code, tuple(lines)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    found: list[Reply] = []
    parser, start = ReplyParser(), 0
    for cut in [*cuts, len(stream)]:
        found += parser.feed(stream[start:cut])
        start = cut
    assert found == expected
    assert not parser.has_rest


@pytest.mark.parametrize(
    "rubbish",
    [
        b"250 ok\n",
        b"250 ok\rmore\r\n",
        b"25\r\n",
        b"abc hello\r\n",
        b"\r\n",
        b"199 no\r\n",
        b"650 no\r\n",
        b"250_ok\r\n",
        b"250-one\r\n251 two\r\n",
        "２５０ ok\r\n".encode(),
    ],
)
def test_what_is_no_reply_is_refused(rubbish: bytes) -> None:
    with pytest.raises(Garbled):
        read(rubbish)


def test_good_replies_before_rubbish_are_still_read() -> None:
    replies = ReplyParser().feed(b"250 ok\r\nrubbish\r\n")
    assert next(replies).code == 250
    with pytest.raises(Garbled):
        next(replies)


@pytest.mark.parametrize(
    "piece", [b"x" * 1000, b"250-more\r\n", b"250-" + b"y" * 500 + b"\r\n"], ids=["line", "n", "kb"]
)
def test_an_endless_reply_is_refused_before_it_fills_the_memory(piece: bytes) -> None:
    parser = ReplyParser()

    def flood() -> None:
        for _ in range(1100):
            list(parser.feed(piece))

    with pytest.raises(Garbled):
        flood()
