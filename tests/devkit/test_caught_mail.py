from __future__ import annotations

from pathlib import Path

import pytest

from mailer.devkit.caught_mail import LetterBox, read_subject
from mailer.foundation.errors import NotFound


def test_what_was_added_is_read_back(box: Path) -> None:
    letters = LetterBox(box)
    mail_id = letters.add("a@example.com", ["b@example.org"], b"Subject: Hello\r\n\r\nline\n")
    mail = letters.get_mail(mail_id)
    assert mail.raw == b"Subject: Hello\r\n\r\nline\n"
    assert mail.envelope.subject == "Hello"
    assert mail.find_part("plain") == "line\n"
    assert mail.find_part("html") is None


def test_the_newest_are_kept(box: Path) -> None:
    letters = LetterBox(box, keep=3)
    ids = [letters.add("", ["b@example.org"], b"Subject: x\n\n") for _ in range(5)]
    letters.prune()
    assert letters.list_ids() == ids[:1:-1]


def test_recipients_are_searched_by_any_part_whatever_the_case(box: Path) -> None:
    letters = LetterBox(box)
    ada = letters.add("", ["Ada@Example.org", "ben@example.com"], b"\n\n")
    letters.add("", ["cleo@example.com"], b"\n\n")
    assert [mail.mail_id for mail in letters.iter_mails(to=" ada@EXAMPLE ")] == [ada]
    assert len(list(letters.iter_mails(to="example.com"))) == 2
    assert not list(letters.iter_mails(to="nobody"))


def test_an_id_cannot_lead_out_of_the_directory(box: Path) -> None:
    letters = LetterBox(box)
    (box.parent / "secret.mail").write_text("{}\n")
    with pytest.raises(NotFound):
        letters.get_mail("../secret")


def test_a_mail_cleared_away_meanwhile_is_not_found(box: Path) -> None:
    letters = LetterBox(box)
    mail_id = letters.add("", ["b@example.org"], b"\n\n")
    mail = letters.get_mail(mail_id)
    letters.clear()
    with pytest.raises(NotFound):
        letters.get_mail(mail_id)
    with pytest.raises(NotFound):
        mail.raw  # noqa: B018 (the reading itself is what is tried)


def test_a_file_half_written_is_not_listed(box: Path) -> None:
    letters = LetterBox(box)
    (box / "20260101T000000.000000-00000000.part").write_text("{")
    assert letters.list_ids() == []


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"Subject: =?utf-8?q?Potvr=C4=8Fte?=\r\n =?utf-8?q?_odber?=\r\n\r\n", "Potvrďte odber"),
        ("Subject: Potvrďte\r\n\r\n".encode(), "Potvrďte"),
        (b"To: x\r\n\r\nSubject: no header\r\n", ""),
        (b"Subject: =?nonsense?q?x?=\r\n\r\n", "=?nonsense?q?x?="),
        (b"", ""),
        (b"\xff\xfe\r\nSubject: x", ""),
    ],
)
def test_subjects_are_decoded_where_they_can_be(raw: bytes, subject: str) -> None:
    assert read_subject(raw) == subject


def test_a_part_in_an_unknown_charset_is_still_shown(box: Path) -> None:
    letters = LetterBox(box)
    raw = b"Content-Type: text/plain; charset=klingon\r\n\r\nnuqneH\r\n"
    mail = letters.get_mail(letters.add("", ["b@example.org"], raw))
    assert (mail.find_part("plain") or "").strip() == "nuqneH"
