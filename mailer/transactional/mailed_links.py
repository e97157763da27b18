"""The way to what is a person's own by control of the mailbox: a short-lived link, mailed to their address.

The links at the foot of a campaign mail may travel with a forwarded mail, so they lead no further than to
asking for such a link (S-003).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mailer.contacts import Contact, get_linked
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import serialise_on
from mailer.foundation.throttle import Limit, is_within
from mailer.foundation.tokens import Purpose, read_timed, sign_timed
from mailer.organisations import (
    Organisation,
    get_organisation_by_id,
    imprint_lines,
    list_senders,
)
from mailer.rendering import Letter
from mailer.transactional.letters import Addressed, plan_letter
from mailer.transactional.outbox import count_since, find_newest
from mailer.transactional.states import MessageKind

LEAST_APART = timedelta(minutes=10)
LINKS_AN_HOUR, HOUR = 10, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedLink:
    """What a mailed link opens and for how long, and the words of its mail.

    `title` stands before the organisation's name in the subject; `wish` says what was asked for, `behind`
    what the link leads to, `button` what pressing it does, and `lasts` is `life` in words.
    """

    kind: MessageKind
    purpose: Purpose
    path: str
    life: timedelta
    title: str
    wish: str
    behind: str
    button: str
    lasts: str


@dataclass(frozen=True, slots=True)
class LinkFor:
    """Whom a link is mailed to: `reference` is the public id that the link names and goes by."""

    organisation: Organisation
    reference: str
    address: str


def mail_link(link: MailedLink, contact: Contact) -> bool:
    """Owe the person one mail with the link; False when none can go there, or one went within ten minutes.

    A mailbox gets so many an hour in all, whichever of its addresses are known and to whom.
    """
    if not contact.address:
        return False
    organisation = get_organisation_by_id(contact.organisation_id)
    return mail_link_to(link, LinkFor(organisation, contact.public_id, contact.address))


def mail_link_to(link: MailedLink, whom: LinkFor, *, most_a_day: int | None = None) -> bool:
    """Like `mail_link`, also for an address of which nothing but a block is known; at most so many a day."""
    serialise_on(f"{link.kind}:{whom.reference}")
    newest = find_newest(whom.reference, kind=link.kind)
    if newest is not None and newest.created_at > now() - LEAST_APART:
        return False
    if most_a_day is not None:
        today = count_since(whom.reference, kind=link.kind, since=now() - timedelta(days=1))
        if today >= most_a_day:
            return False
    if not is_within([_limit(whom.address)]):
        return False
    senders, name = list_senders(whom.organisation), whom.organisation.legal_name
    if not senders:
        return False
    token = sign_timed(link.purpose, whom.reference)
    letter = Letter(
        subject=f"{link.title} {name}",
        paragraphs=(
            f"Somebody, probably you, asked {name} {link.wish}.",
            link.behind,
        ),
        action=(link.button, f"{settings().public_url}/{link.path}/{token}"),
        after=(f"The link works for {link.lasts}. If it was not you, there is nothing to do.",),
        imprint="\n".join(imprint_lines(whom.organisation)),
        language="en",
    )
    plan_letter(
        whom.organisation,
        Addressed(
            kind=link.kind,
            reference=whom.reference,
            sender=senders[0],
            to_address=whom.address,
            letter=letter,
            life=link.life,
        ),
    )
    return True


def read_mailed_link(link: MailedLink, token: str) -> Contact:
    """Whom a mailed link is for. Raises LinkExpired, and LinkInvalid once they are erased."""
    return get_linked(str(read_timed(link.purpose, token, max_age=link.life)))


def _limit(address: str) -> Limit:
    mailbox = parse_address(address).mailbox_digest
    return Limit(f"mailed-link:{mailbox}", LINKS_AN_HOUR, HOUR)
