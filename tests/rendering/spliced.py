"""Mails made both ways: spliced, and written out the ordinary way."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from mailer import rendering
from mailer.foundation.errors import Invalid
from mailer.rendering import Addressee, CampaignContent, Counted, Frame, Sealer, Skeleton
from tests.rendering.sample import FIELDS

MOMENT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
TOKENS = ("u." + "A" * 122, "p." + "B" * 68)
COUNTED = "c." + "C" * 95  # the token of links that are counted
ORGANISATION = {
    "name": "Bakery",
    "legal_name": "Bakery Ltd",
    "imprint": "Bakery Ltd\n1 High Street\nOxford",
    "contact_email": "hello@bakery.example",
    "privacy_notice_url": "https://mail.example/notice/org_1",
}


def make_skeleton(
    content: CampaignContent,
    sealer: Sealer | None = None,
    *,
    is_counted: bool = False,
    **changes: object,
) -> Skeleton:
    given: dict[str, object] = {
        "from_name": "Bäckerei, Neues",
        "from_address": "news@bakery.example",
        "reply_to": "answers@bakery.example",
        "domain": "bakery.example",
        "subject": content.subject,
        "organisation": ORGANISATION,
        "unsubscribe_at": "https://mail.example/u/",
        "preferences_at": "https://mail.example/p/",
        "clicks_at": "https://mail.example/c/",
        "stop_at": "https://mail.example/t/",
        "sample_tokens": (*TOKENS, COUNTED) if is_counted else TOKENS,
        "boundary_of": "cmp_1",
        "headers": (("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),),
        **changes,
    }
    frame = Frame(**given)  # type: ignore[arg-type]  # the fields as the test changes them
    counted = Counted(numbers_of(content), ORGANISATION) if is_counted else None
    compiled = rendering.compile_content(content, contact_fields=FIELDS, counted=counted)
    return Skeleton(compiled, frame, sealer)


def numbers_of(content: CampaignContent) -> dict[str, int]:
    """The number of each link that can be counted, by where it leads."""
    found = rendering.list_targets(content, contact_fields=FIELDS, organisation=ORGANISATION)
    return {target: number for number, target in enumerate(found, 1)}


def make_addressee(
    name: str = "Cleo", number: int = 1, *, is_counted: bool = False, **contact: object
) -> Addressee:
    return Addressee(
        name=name,
        address="cleo@example.org",
        contact={"email": "cleo@example.org", **contact},
        why="You receive this because you subscribed to News on 1 March 2026.",
        list_id="News, weekly <news.bakery.example>",
        unsubscribe=f"u.{number:0122d}",
        preferences=f"p.{number:068d}",
        message_id=f"{number:032x}",
        clicks=f"c.{number:095d}" if is_counted else "",
    )


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def parts_of(raw: bytes) -> list[tuple[str, str]]:
    return [
        (part.get_content_type(), part.get_content().replace("\r\n", "\n"))
        for part in read(raw).iter_parts()
        if isinstance(part, EmailMessage)
    ]


def assert_settled(raw: bytes) -> None:
    """What makes dot-stuffing, a look at lengths and DKIM's canonical form unnecessary."""
    assert raw.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", raw)
    for line in raw.partition(b"\r\n\r\n")[2].split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not re.search(rb"  |\t| \Z", line)


def assert_same(skeleton: Skeleton, who: Addressee) -> None:
    """Both ways write the same mail, or refuse it for the same reason."""
    try:
        wanted = skeleton.write_out(who, MOMENT)
    except Invalid as refusal:
        try:
            skeleton.compose(who, MOMENT)
        except Invalid as again:
            assert again.fields == refusal.fields
            return
        raise AssertionError("the ordinary way refuses this mail") from refusal
    spliced = skeleton.compose(who, MOMENT)
    assert_settled(spliced)
    assert spliced.partition(b"\r\n\r\n")[0] == wanted.partition(b"\r\n\r\n")[0]
    assert parts_of(spliced) == parts_of(wanted)
