"""Blotting: a mail keeps its length and its words, and no link in it works, however the mail is dressed."""

from __future__ import annotations

import base64
import hashlib
import quopri
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from mailer.foundation.blotting import blot, link_digests

SECRET = "Ab_9-" * 8 + "xYz"
TIMED = f"InJlcV9hYmNkZWZnIg.aS0k_w.{SECRET}"
LASTING = f"con_UjzNz-sKc15u7YuleZLL7g~lst_1~cmp_2.{SECRET}"
TEXT = f"Good day\r\n\r\nConfirm: https://shop.example/c/{TIMED}\r\nNo: https://shop.example/n/{LASTING}.\r\n"
HEAD = b"From: a@shop.example\r\nSubject: Please confirm\r\n"


def quoted(text: str, *, everything: bool) -> bytes:
    if everything:
        lines = [
            "=\r\n".join(
                "".join(f"={byte:02X}" for byte in line.encode()[at : at + 25])
                for at in range(0, len(line), 25)
            )
            for line in text.split("\r\n")
        ]
        return "\r\n".join(lines).encode()
    return quopri.encodestring(text.replace("\r\n", "\n").encode()).replace(b"\n", b"\r\n")


def in_base64(text: str) -> bytes:
    return base64.encodebytes(text.encode()).replace(b"\n", b"\r\n")


def with_encoding(name: str, body: bytes) -> bytes:
    return HEAD + f"Content-Transfer-Encoding: {name}\r\n\r\n".encode() + body


HTML = f'<p><a href="https://shop.example/c/{TIMED}">Confirm</a> ' + "x" * 71 + "</p>\r\n"
MANY = EmailMessage(policy.SMTP)
MANY["Subject"] = "Please confirm"
MANY["List-Unsubscribe"] = f"<https://shop.example/u/{LASTING}>"
MANY.set_content(TEXT, cte="quoted-printable")
MANY.add_alternative(HTML, subtype="html", cte="base64")
MANY.add_attachment(TEXT.encode(), maintype="application", subtype="octet-stream")

MAILS = {
    "7bit": with_encoding("7bit", TEXT.encode()),
    "quoted-printable": with_encoding("quoted-printable", quoted(TEXT, everything=False)),
    "quoted-printable, all of it": with_encoding("quoted-printable", quoted(TEXT, everything=True)),
    "base64": with_encoding("Base64", in_base64(TEXT)),
    "several parts": MANY.as_bytes(),
    "a folded head": HEAD
    + f"List-Unsubscribe: <https://shop.example/u/{LASTING[:60]}\r\n {LASTING[60:]}>,\r\n"
    f" <https://shop.example/c/{TIMED}>\r\n\r\nGood day\r\n".encode(),
    "inside another address": HEAD
    + f"\r\nhttps://shop.example/c/{LASTING.replace('~', '%7E')}/3?to={TIMED}\r\n".encode(),
}


def read(mail: bytes) -> str:
    """Everything that a reader's program makes of a mail."""
    message = message_from_bytes(mail, policy=policy.default)
    parts = [part.get_payload(decode=True) or b"" for part in message.walk()]
    texts = [str(value) for _, value in message.items()]
    return "\n".join([*texts, *(bytes(part).decode("utf-8", "replace") for part in parts)])


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_no_secret_is_left_and_nothing_else_is_changed(mail: bytes) -> None:
    blotted = blot(mail)
    assert SECRET in re.sub(r"\s", "", read(mail))
    assert SECRET not in re.sub(r"\s", "", read(blotted))
    assert len(blotted) == len(mail)
    assert blot(blotted) == blotted
    before = re.sub(r"\s", "", read(mail)).replace(SECRET, "*" * len(SECRET))
    assert re.sub(r"\s", "", read(blotted)) == before


@pytest.mark.parametrize("name", ["7bit", "quoted-printable", "quoted-printable, all of it", "base64", "several parts"])  # fmt: skip
def test_the_digest_of_each_link_is_known(name: str) -> None:
    assert set(link_digests(MAILS[name])) == {
        hashlib.sha256(token.encode()).hexdigest() for token in (TIMED, LASTING)
    }


def test_a_mail_without_links_stays_as_it_is() -> None:
    mail = with_encoding("7bit", b"See https://shop.example/notice/org_1.\r\n" + b"-" * 72)
    assert blot(mail) == mail
    assert link_digests(mail) == []
