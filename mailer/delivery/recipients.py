"""One claimed delivery, with what its mail is made of. Tuples, for objects cost more than the mail itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

KEY_PREFIX = "d"


class Recipient(NamedTuple):
    """One claimed delivery."""

    delivery_id: int
    campaign_id: int
    attempts: int  # tries so far, this one not counted
    contact_public_id: str
    address: str
    name: str
    values: Mapping[str, object]
    mailing_list_id: int
    consented_at: datetime
    contact_id: int = 0
    consent_record_id: int = 0
    destination: str = ""
    first_tried_at: datetime | None = None
    batch_id: int = 0  # 0: it came back and has an owner of its own
    is_counted: bool = False  # the person agreed that their clicks are counted
    origin: str = "unrecorded"  # of the consent: an Origin
    origin_facts: str = "{}"  # what is recorded of that, as JSON

    @property
    def key(self) -> str:
        """The delivery's name in envelopes, outcomes and journals."""
        return f"{KEY_PREFIX}{self.delivery_id}"
