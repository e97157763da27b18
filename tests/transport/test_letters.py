from __future__ import annotations

import pytest

from mailer.transport import Envelope
from mailer.transport.features import NOTHING, Features
from mailer.transport.letters import Letter, LetterWriter, Refusal

ALL = Features(pipelining=True, eight_bit=True, smtputf8=True, has_size=True, most_octets=1000)


def write(
    features: Features = NOTHING,
    *,
    rcpt_to: str = "c@d.test",
    mail_from: str = "a@b.test",
    body: bytes = b"hi\r\n",
) -> Letter | Refusal:
    mail = Envelope(key="d1", mail_from=mail_from, rcpt_to=rcpt_to, body=body)
    return LetterWriter(features).write(mail)


def letter(features: Features = NOTHING, **changes: object) -> Letter:
    written = write(features, **changes)  # type: ignore[arg-type]  # a test names the fields
    assert isinstance(written, Letter)
    return written


def refusal(features: Features = NOTHING, **changes: object) -> Refusal:
    written = write(features, **changes)  # type: ignore[arg-type]  # a test names the fields
    assert isinstance(written, Refusal)
    return written


def test_a_plain_mail_needs_no_extension() -> None:
    assert letter()[1:4] == (b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"hi\r\n")


def test_the_null_return_path_stays_empty() -> None:
    assert letter(mail_from="").mail == b"MAIL FROM:<>\r\n"


@pytest.mark.requirement("E-048")
def test_size_is_said_only_where_it_is_offered() -> None:
    assert letter(ALL).mail == b"MAIL FROM:<a@b.test> SIZE=4\r\n"


@pytest.mark.requirement("E-001")
@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b".\r\n", b"..\r\n"),
        (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n"),
        (b".a\r\n.", b"..a\r\n..\r\n"),
        (b"no end", b"no end\r\n"),
    ],
)
def test_leading_dots_are_doubled_and_the_end_is_a_line_end(body: bytes, content: bytes) -> None:
    assert letter(body=body).content == content


@pytest.mark.requirement("E-007")
def test_a_domain_travels_as_its_a_label() -> None:
    assert letter(rcpt_to="c@Bücher.example").rcpt == b"RCPT TO:<c@xn--bcher-kva.example>\r\n"
    assert letter(ALL, mail_from="c@bücher.example").mail.startswith(b"MAIL FROM:<c@xn--bcher-kva.")


@pytest.mark.requirement("E-007")
def test_a_non_ascii_local_part_needs_smtputf8() -> None:
    written = letter(ALL, rcpt_to="jörg@bücher.example")
    assert written.rcpt == "RCPT TO:<jörg@xn--bcher-kva.example>\r\n".encode()
    assert written.mail == b"MAIL FROM:<a@b.test> SIZE=4 BODY=8BITMIME SMTPUTF8\r\n"
    refused = refusal(rcpt_to="jörg@d.test")
    assert (refused.code, refused.enhanced) == (553, "5.6.7")
    assert "jörg@d.test" in refused.text


@pytest.mark.requirement("E-048")
def test_eight_bit_octets_need_8bitmime() -> None:
    assert letter(ALL, body="é\r\n".encode()).mail.endswith(b" BODY=8BITMIME\r\n")
    assert refusal(body="é\r\n".encode()).code == 554


def test_a_mail_above_the_offered_size_is_not_tried() -> None:
    assert isinstance(write(ALL, body=b"x" * 998 + b"\r\n"), Letter)
    refused = refusal(ALL, body=b"x" * 998 + b"\r\n.")
    assert (refused.code, refused.enhanced) == (552, "5.3.4")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@",
        "@b.test",
        "a@b@c.test",
        "a@b.test\r\nRCPT TO:<x@y.test>",
        "a\r@b.test",
        "a\n@b.test",
        "a\0@b.test",
        "a@b.test> SIZE=1",
        "a b@c.test",
        '"a\r\n"@b.test',
        '"a"b"@c.test',
        "a\x85@b.test",
        "a@b\u2028.test",
        "\udcff@b.test",
        "a@-é-.test",
    ],
)
def test_an_address_cannot_smuggle_a_command(address: str) -> None:
    assert refusal(ALL, rcpt_to=address).enhanced == "5.1.3"
    if address:
        assert refusal(ALL, mail_from=address).enhanced == "5.1.7"


@pytest.mark.parametrize("address", ['"a b"@c.test', '"a\\"<>"@c.test', "a+b=c@[192.0.2.1]"])
def test_odd_but_lawful_addresses_pass(address: str) -> None:
    assert letter(rcpt_to=address).rcpt == f"RCPT TO:<{address}>\r\n".encode()
