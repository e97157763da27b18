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
from mailer.foundation.throttle import Limit, is_within
from mailer.foundation.tokens import Purpose, read_timed, sign_timed
from mailer.organisations import get_organisation_by_id, imprint_lines, list_senders
from mailer.rendering import Letter
from mailer.transactional.letters import Addressed, plan_letter
from mailer.transactional.outbox import find_newest
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


def mail_link(link: MailedLink, contact: Contact) -> bool:
    """Owe the person one mail with the link; False when none can go there, or one went within ten minutes.

    A mailbox gets so many an hour in all, whichever of its addresses are known and to whom.
    """
    newest = find_newest(contact.public_id, kind=link.kind)
    if newest is not None and newest.created_at > now() - LEAST_APART:
        return False
    if contact.address and not is_within([_limit(contact.address)]):
        return False
    organisation = get_organisation_by_id(contact.organisation_id)
    senders, name = list_senders(organisation), organisation.legal_name
    if not senders or not contact.address:
        return False
    token = sign_timed(link.purpose, contact.public_id)
    letter = Letter(
        subject=f"{link.title} {name}",
        paragraphs=(
            f"Somebody, probably you, asked {name} on its preference page {link.wish}.",
            link.behind,
        ),
        action=(link.button, f"{settings().public_url}/{link.path}/{token}"),
        after=(f"The link works for {link.lasts}. If it was not you, there is nothing to do.",),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
    plan_letter(
        organisation,
        Addressed(
            kind=link.kind,
            reference=contact.public_id,
            sender=senders[0],
            to_address=contact.address,
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
