"""An independent look at the signatures of a mail, with the DNS records as a page shows them."""

from __future__ import annotations

from collections.abc import Iterable

import dkim

from mailer.organisations import DnsRecord


def signatures_of(mail: bytes) -> int:
    """How many signatures a mail has."""
    return mail.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")


def is_signed(mail: bytes, records: Iterable[DnsRecord]) -> bool:
    """Whether the mail has signatures and each holds, these records being published."""
    published = {f"{record.name}.": record.value.encode() for record in records}

    def ask(name: bytes, timeout: int = 5) -> bytes | None:
        del timeout
        return published.get(name.decode())

    verifier = dkim.DKIM(mail)
    try:
        return bool(signatures_of(mail)) and all(
            verifier.verify(idx=number, dnsfunc=ask) for number in range(signatures_of(mail))
        )
    except dkim.ValidationError:
        return False
