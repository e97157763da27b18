"""Seeing a mail before anybody gets it: previews, and tests to oneself; their links lead nowhere (E-030)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from mailer import rendering, transactional
from mailer.campaigns import Campaign, content_of, lists_of
from mailer.consent import Origin, Provenance
from mailer.contacts import Contact, list_field_names, placeholder_values
from mailer.delivery import links
from mailer.delivery.reasons import read_provenance, why
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid
from mailer.foundation.languages import primary_language
from mailer.lists import MailingList
from mailer.organisations import (
    Organisation,
    get_organisation_by_id,
    get_sender_by_id,
    imprint_lines,
)
from mailer.rendering import CampaignContent, Rendered, Values
from mailer.subscriptions import SubscriptionState, list_of
from mailer.transactional import MessageDraft, MessageKind, TransactionalMessage

TEST_PREFIX = "[Test] "
TEST_LIFE = timedelta(hours=1)
NEUTRAL_TOKEN = "preview"  # noqa: S105 - no token at all: it opens nothing
NO_LIST = {"en": "your list", "de": "Ihre Liste", "sk": "váš zoznam", "cs": "váš seznam"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a preview is made of: content as it is written now, for one of the lists it goes to."""

    organisation: Organisation
    content: CampaignContent
    lists: Sequence[MailingList] = ()
    contact: Contact | None = None


def preview(shown: Shown) -> Rendered:
    """The mail as `shown.contact` would get it, or an example person when there is none.

    Raises Invalid, by field, when the content cannot be rendered for this person.
    """
    organisation, content = shown.organisation, shown.content
    names = list_field_names(organisation)
    compiled = rendering.compile_content(content, contact_fields=names)
    contact = (
        placeholder_values(shown.contact)
        if shown.contact is not None
        else example_values(names, content.language)
    )
    public_url = settings().public_url
    return compiled.render(
        Values(
            contact=contact,
            campaign={
                "subject": content.subject,
                "unsubscribe_url": f"{public_url}/u/{NEUTRAL_TOKEN}",
                "preferences_url": f"{public_url}/p/{NEUTRAL_TOKEN}",
            },
            organisation={
                "name": organisation.name,
                "legal_name": organisation.legal_name,
                "imprint": "\n".join(imprint_lines(organisation)),
                "contact_email": organisation.contact_email,
                "privacy_notice_url": links.notice_url(organisation.public_id),
            },
            why=_why(shown),
        )
    )


def example_values(names: Sequence[str], language: str) -> dict[str, object]:
    """Values of a person nobody is: every field filled, so that every placeholder shows."""
    known = {
        "first_name": "Alex",
        "last_name": "Example",
        "email": "alex@example.org",
        "language": language,
    }
    return {name: known.get(name, f"({name.replace('_', ' ')})") for name in names}


def send_test(
    campaign: Campaign, account_address: str, contact: Contact | None = None
) -> TransactionalMessage:
    """Owe the team member at `account_address` the saved mail as `contact` would get it.

    It goes out as a service mail, marked in its subject. Raises Invalid when there is no sender, or when
    the content cannot be rendered.
    """
    if campaign.sender_id is None:
        sentence = "Choose a sender first; the test comes from there."
        raise Invalid(sentence, {"sender": sentence})
    organisation = get_organisation_by_id(campaign.organisation_id)
    rendered = preview(
        Shown(
            organisation=organisation,
            content=content_of(campaign),
            lists=lists_of(campaign),
            contact=contact,
        )
    )
    sender = get_sender_by_id(campaign.sender_id)
    domain = parse_address(sender.from_address).domain
    mail = rendering.Mail(
        from_name=sender.from_name,
        from_address=sender.from_address,
        to_address=account_address,
        to_name=None,
        reply_to=sender.reply_to or None,
        subject=TEST_PREFIX + rendered.subject,
        text=rendered.text,
        html=rendered.html,
        message_id=f"{secrets.token_hex(16)}@{domain}",
        date=now(),
    )
    return transactional.plan(
        organisation,
        MessageDraft(
            kind=MessageKind.TEST,
            reference=campaign.public_id,
            mail=mail,
            expires_at=now() + TEST_LIFE,
        ),
    )


def _why(shown: Shown) -> str:
    language, since = shown.content.language, now()
    provenance = Provenance(Origin.NOT_GIVEN if shown.contact else Origin.FORM)
    own = NO_LIST.get(primary_language(language), NO_LIST["en"])
    name = shown.lists[0].name if shown.lists else own
    list_ids = {mailing_list.id for mailing_list in shown.lists}
    for subscription, mailing_list in list_of(shown.contact) if shown.contact else ():
        is_active = subscription.state is SubscriptionState.ACTIVE
        if mailing_list.id in list_ids and is_active and subscription.activated_at is not None:
            name, since = mailing_list.name, subscription.activated_at
            provenance = read_provenance(subscription.origin, subscription.origin_facts)
    on = since.astimezone(ZoneInfo(shown.organisation.time_zone)).date()
    return why(language, name, shown.organisation, on, provenance)
