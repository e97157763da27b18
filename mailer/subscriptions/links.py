"""The links of one person. Those at the foot of every campaign mail are valid for ever (C-065, E-024); such a
mail may be forwarded, so they can only lessen. The fresh link is mailed to the address itself, short-lived, and
the only way to join, allow measuring or lift a block outside a form (S-003).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from mailer import consent
from mailer.contacts import Contact, find_by_address, find_linked, get_linked
from mailer.foundation.addresses import Address, peppered
from mailer.foundation.clock import iso
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import LinkInvalid
from mailer.foundation.networks import ip_prefix
from mailer.foundation.throttle import Limit, is_within
from mailer.foundation.tokens import (
    Purpose,
    lasting_signer,
    read_lasting,
    read_timed_with_age,
    sign_lasting,
)
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.suppression import (
    Reason,
    Scope,
    SuppressionEntry,
    find_blocking,
    find_entry,
    lift,
)
from mailer.transactional import (
    LinkFor,
    MailedLink,
    MessageKind,
    TransactionalMessage,
    find_newest,
    is_final,
    mail_evidence,
    mail_link_to,
)
from mailer.transport import Outcome

_PARTS = 3  # contact, list, campaign


def unsubscribe_url(contact_id: str, mailing_list_id: str, campaign_id: str) -> str:
    """Where one press unsubscribes from the list that sent the mail; takes public ids (E-020)."""
    token = sign_lasting(Purpose.UNSUBSCRIBE, contact_id, mailing_list_id, campaign_id)
    return f"{unsubscribe_at()}{token}"


def preferences_url(contact_id: str) -> str:
    """Where a person sees and changes all of it; takes a public id."""
    return f"{preferences_at()}{sign_lasting(Purpose.PREFERENCES, contact_id)}"


class LinkTokens:
    """Makes the tokens of one campaign's links to members of one list, the same as the addresses have.

    For many mails: the keys are derived once. Takes public ids; each purpose has a key of its own.
    """

    def __init__(self, mailing_list_id: str, campaign_id: str) -> None:
        self._end = f"~{mailing_list_id}~{campaign_id}"
        self._unsubscribe = lasting_signer(Purpose.UNSUBSCRIBE)
        self._preferences = lasting_signer(Purpose.PREFERENCES)

    def make(self, contact_id: str) -> tuple[str, str]:
        """The tokens to unsubscribe and for preferences of one person."""
        return self._unsubscribe(contact_id + self._end), self._preferences(contact_id)


def unsubscribe_at() -> str:
    """What an unsubscribe link begins with; the token follows."""
    return f"{settings().public_url}/u/"


def preferences_at() -> str:
    """What a link to the preferences begins with; the token follows."""
    return f"{settings().public_url}/p/"


def read_unsubscribe_token(token: str) -> tuple[Contact, MailingList] | None:
    """Who leaves what; None for somebody who is not known any more. Raises LinkInvalid."""
    parts = read_lasting(Purpose.UNSUBSCRIBE, token)
    if len(parts) != _PARTS:
        raise LinkInvalid("This link is damaged or incomplete.")
    contact = find_linked(parts[0])
    mailing_list = db.session.scalar(
        sa.select(MailingList).where(MailingList.public_id == parts[1])
    )
    if contact is None or mailing_list is None:
        return None
    return contact, mailing_list


def read_preferences_token(token: str) -> Contact:
    """Whose preferences these are. Raises LinkInvalid, also once they are erased."""
    return get_linked(read_lasting(Purpose.PREFERENCES, token)[0])


LINK_LIFE = timedelta(minutes=30)
MOST_A_DAY = 10
MOST_A_DAY_BLOCKED = 2  # enough to lift a block, too few to bother whoever wants no mail
HOUR = 3600
_LONGEST_LIFE = timedelta(days=400)  # an older link is not even offered a new one
_SENT_WITHIN = timedelta(minutes=5)  # between the signing of a link and the row of its mail
_LINK = MailedLink(
    kind=MessageKind.CHANGE_LINK,
    purpose=Purpose.CHANGE,
    path="m",
    life=LINK_LIFE,
    title="Choose what you receive from",
    wish="for a link to choose what comes to this address",
    behind="Behind the link you can join lists and change everything else. The link alone changes nothing.",
    button="Choose what I receive",
    lasts="30 minutes",
)
_UNBLOCK = replace(
    _LINK,
    title="This address is blocked at",
    wish="for a link to allow mail to this address again",
    behind=(
        "You blocked all mail to this address, and that holds. Behind the link is a button that lifts the "
        "block. The link alone changes nothing, and without it nothing else is sent."
    ),
    button="See the block",
)


@dataclass(frozen=True, slots=True)
class FreshLink:
    """Whom a fresh link is for; `contact` is None where nothing but a block is known of the address."""

    reference: str
    organisation: Organisation
    contact: Contact | None
    digest: str
    mailed_at: datetime

    @property
    def is_blocked(self) -> bool:
        """Whether the person blocked all mail to the address."""
        return is_blocked(self.organisation, self.digest)


def is_blocked(organisation: Organisation, digest: str | None) -> bool:
    """Whether all mail to an address is blocked."""
    return bool(digest and find_blocking(organisation, digest, scope=Scope.ALL_MAIL))


def mail_fresh_link(contact: Contact) -> bool:
    """Owe the person one mail with a fresh link; False when none can go there now.

    It goes to a blocked address too, at most twice a day: only its owner can lift the block (C-083).
    """
    organisation = get_organisation_by_id(contact.organisation_id)
    return _mail(organisation, contact, contact.address, contact.address_digest)


def mail_fresh_link_to(organisation: Organisation, address: Address, *, ip: str) -> bool:
    """Like `mail_fresh_link` for whoever has `address`, asked for from `ip`; nothing goes to an unknown one.

    The caller answers alike in all cases (S-032). Limits: per address, network, organisation.
    """
    chosen, network = settings(), peppered(ip_prefix(ip))[:32]
    limits = [
        Limit(f"fresh:address:{address.digest}", MOST_A_DAY, HOUR),
        Limit(f"fresh:ip:{network}", chosen.signups_per_ip_hour, HOUR),
        Limit(f"fresh:organisation:{organisation.public_id}", chosen.signups_per_form_hour, HOUR),
    ]
    if not is_within(limits):
        return False
    contact = find_by_address(organisation, address)
    given = contact.address if contact is not None else address.given
    return _mail(organisation, contact, given, address.digest)


def mail_fresh_link_again(token: str) -> Organisation:
    """A new link for one that has expired, to the same address. Raises LinkInvalid.

    A link that names nothing but a block holds no address, so its owner asks on the organisation's page.
    """
    link = read_expired_fresh_link(token)
    if link.contact is not None:
        mail_fresh_link(link.contact)
    return link.organisation


def read_expired_fresh_link(token: str) -> FreshLink:
    """Whom a fresh link was for, also after its time: it opens nothing any more. Raises LinkInvalid."""
    return _read(token, max_age=_LONGEST_LIFE)


def read_fresh_link(token: str) -> FreshLink:
    """Whom a fresh link is for. Raises LinkExpired, and LinkInvalid once they are erased."""
    return _read(token, max_age=LINK_LIFE)


def lift_block(link: FreshLink) -> bool:
    """Lift the block that the person set, by the link that was mailed to them (C-083); subscribes nothing."""
    return lift(link.organisation, link.digest, reason=Reason.NOT_ME) > 0


def fresh_evidence(link: FreshLink) -> dict[str, Any]:
    """When the link was mailed, and the mail itself with its answer, where it was settled: leg (b)."""
    message = find_newest(link.reference, kind=_LINK.kind, before=link.mailed_at + _SENT_WITHIN)
    found: dict[str, Any] = {"mailed_at": iso(link.mailed_at)}
    if message is not None and message.evidence is not None:
        found["confirmation_mail"] = message.evidence
    return found


def keep_fresh_mail(message: TransactionalMessage, body: bytes, outcome: Outcome) -> None:
    """Keep the bytes of a mail with a fresh link under the person's key, with the SMTP reply (C-042)."""
    contact = find_linked(message.reference)
    if contact is None or not is_final(outcome):
        return
    consent.put_blob(consent.get_subject(contact.subject_id), body, "message/rfc822")
    message.evidence = mail_evidence(message, outcome, body)
    db.session.flush()


def _mail(
    organisation: Organisation, contact: Contact | None, address: str | None, digest: str | None
) -> bool:
    if not address or not digest:
        return False
    block = find_blocking(organisation, digest, scope=Scope.ALL_MAIL)
    if contact is None and block is None:
        return False
    reference = contact.public_id if contact is not None else _first_block(organisation, digest)
    most = MOST_A_DAY_BLOCKED if block is not None else MOST_A_DAY
    link = _UNBLOCK if block is not None else _LINK
    return mail_link_to(link, LinkFor(organisation, reference, address), most_a_day=most)


def _first_block(organisation: Organisation, digest: str) -> str:
    """The oldest entry for the address: blocking again and again must not count the mails anew."""
    query = (
        sa.select(SuppressionEntry.public_id)
        .where(
            SuppressionEntry.organisation_id == organisation.id,
            SuppressionEntry.address_digest == digest,
            SuppressionEntry.scope == Scope.ALL_MAIL,
        )
        .order_by(SuppressionEntry.id)
        .limit(1)
    )
    return db.session.scalars(query).one()


def _read(token: str, *, max_age: timedelta) -> FreshLink:
    payload, signed_at = read_timed_with_age(Purpose.CHANGE, token, max_age=max_age)
    reference, mailed_at = str(payload), datetime.fromtimestamp(signed_at, UTC)
    entry = find_entry(reference)
    if entry is not None:
        organisation = get_organisation_by_id(entry.organisation_id)
        return FreshLink(reference, organisation, None, entry.address_digest, mailed_at)
    contact = get_linked(reference)
    organisation = get_organisation_by_id(contact.organisation_id)
    return FreshLink(reference, organisation, contact, contact.address_digest or "", mailed_at)
