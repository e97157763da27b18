from __future__ import annotations

import smtplib
import socket
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailer.devkit.catcher_smtp import LARGEST_MAIL_BYTES, serve_catcher
from mailer.devkit.caught_mail import LetterBox


def write_mail(subject: str = "Potvrďte odber", to: str = "ada@example.org") -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Žltý kôň <news@example.com>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Dobrý deň\n.\n.a line that begins with a dot\n")
    return message


def test_a_mail_is_kept_as_it_came_with_its_envelope(catcher: int, box: Path) -> None:
    message = write_mail()
    with smtplib.SMTP("127.0.0.1", catcher) as client:
        client.send_message(message, "bounce+1@example.com", ["ada@example.org", "ben@example.org"])
    [mail] = LetterBox(box).iter_mails()
    assert mail.raw == message.as_bytes()
    assert mail.envelope.sender == "bounce+1@example.com"
    assert mail.envelope.recipients == ["ada@example.org", "ben@example.org"]
    assert mail.envelope.subject == "Potvrďte odber"
    assert mail.envelope.size == len(message.as_bytes())


def test_several_mails_over_one_connection_come_newest_first(catcher: int, box: Path) -> None:
    with smtplib.SMTP("127.0.0.1", catcher) as client:
        for number in range(3):
            client.send_message(write_mail(f"number {number}"))
    subjects = [mail.envelope.subject for mail in LetterBox(box).iter_mails()]
    assert subjects == ["number 2", "number 1", "number 0"]


@pytest.mark.parametrize(
    ("address", "code", "enhanced"),
    [("ada+hard@example.org", 550, b"5.1.1 "), ("ada+soft@example.org", 451, b"4.7.1 ")],
)
def test_marked_addresses_are_refused(
    catcher: int, box: Path, address: str, code: int, enhanced: bytes
) -> None:
    with smtplib.SMTP("127.0.0.1", catcher) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.send_message(write_mail(to=address))
        assert refused.value.recipients[address][0] == code
        assert refused.value.recipients[address][1].startswith(enhanced)
        client.send_message(write_mail(to="hard@example.org"))
    assert [mail.envelope.recipients for mail in LetterBox(box).iter_mails()] == [
        ["hard@example.org"]
    ]


def test_addresses_beyond_ascii_are_taken(catcher: int, box: Path) -> None:
    message = write_mail(to="dôra@bücher.example")
    with smtplib.SMTP("127.0.0.1", catcher) as client:
        client.send_message(message)
    [mail] = LetterBox(box).iter_mails()
    assert mail.envelope.recipients == ["dôra@bücher.example"]
    assert mail.find_header("To") == "dôra@bücher.example"
    assert mail.envelope.subject == "Potvrďte odber"


def test_it_offers_what_a_real_server_offers_and_refuses_what_is_too_large(catcher: int) -> None:
    with smtplib.SMTP("127.0.0.1", catcher) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == str(LARGEST_MAIL_BYTES)
        assert {"8bitmime", "smtputf8"} <= client.esmtp_features.keys()
        code, _ = client.mail("a@example.org", [f"SIZE={LARGEST_MAIL_BYTES + 1}"])
        assert code == 552


def test_a_null_sender_is_kept_as_empty(catcher: int, box: Path) -> None:
    with smtplib.SMTP("127.0.0.1", catcher) as client:
        client.sendmail("", ["ada@example.org"], b"Subject: bounce\r\n\r\nx\r\n")
    [mail] = LetterBox(box).iter_mails()
    assert mail.envelope.sender == ""


def test_a_port_that_is_taken_is_an_error_and_no_silence(box: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve_catcher(box, "127.0.0.1", taken.getsockname()[1])
