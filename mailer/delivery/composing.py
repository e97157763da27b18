"""From a claimed row to the bytes of one mail; everything a campaign's mails share is made once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from mailer import subscriptions
from mailer.campaigns import Campaign, content_of, lists_of
from mailer.contacts import list_field_names
from mailer.delivery import links
from mailer.delivery.claiming import Recipient
from mailer.delivery.reasons import why
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.errors import Invalid
from mailer.lists import MailingList, list_id_header
from mailer.organisations import get_organisation_by_id, get_sender_by_id, imprint_lines
from mailer.rendering import CompiledContent, Mail, Values, compile_content, compose
from mailer.transport import Envelope


@dataclass(frozen=True, slots=True)
class _Heading:
    """What the mails to members of one list share."""

    public_id: str
    name: str
    list_id: str


class Composer:
    """Writes the mails of one campaign, as it and its organisation stand when this is made.

    Raises Invalid when the campaign's content cannot be compiled or it has no sender.
    """

    def __init__(self, campaign: Campaign) -> None:
        if campaign.sender_id is None:
            raise Invalid("This campaign has no sender.")
        organisation = get_organisation_by_id(campaign.organisation_id)
        sender = get_sender_by_id(campaign.sender_id)
        self.revision = campaign.revision
        self._campaign_id = campaign.public_id
        self._language = campaign.language
        self._subject = campaign.subject
        self._zone = ZoneInfo(organisation.time_zone)
        self._from_name = sender.from_name
        self._from_address = sender.from_address
        self._reply_to = sender.reply_to or None
        self._domain = parse_address(sender.from_address).domain
        self._organisation = {
            "name": organisation.name,
            "legal_name": organisation.legal_name,
            "imprint": "\n".join(imprint_lines(organisation)),
            "contact_email": organisation.contact_email,
            "privacy_notice_url": links.notice_url(organisation.public_id),
        }
        self._headings = {one.id: _heading(one) for one in lists_of(campaign)}
        self._compiled: CompiledContent = compile_content(
            content_of(campaign), contact_fields=list_field_names(organisation)
        )

    def compose(self, recipient: Recipient) -> Envelope:
        """The mail to one person. Raises Invalid when it cannot be made for them."""
        heading = self._headings[recipient.mailing_list_id]
        unsubscribe = subscriptions.unsubscribe_url(
            recipient.contact_public_id, heading.public_id, self._campaign_id
        )
        rendered = self._compiled.render(
            Values(
                contact=recipient.values,
                campaign={
                    "subject": self._subject,
                    "unsubscribe_url": unsubscribe,
                    "preferences_url": subscriptions.preferences_url(recipient.contact_public_id),
                },
                organisation=self._organisation,
                why=why(self._language, heading.name, self._local_day(recipient.consented_at)),
            )
        )
        mail = Mail(
            from_name=self._from_name,
            from_address=self._from_address,
            to_address=recipient.address,
            to_name=recipient.name or None,
            reply_to=self._reply_to,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            message_id=links.message_id(
                self._campaign_id, recipient.contact_public_id, self._domain
            ),
            date=now(),
            headers=(
                ("List-Id", heading.list_id),
                ("List-Unsubscribe", f"<{unsubscribe}>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ),
        )
        return Envelope(
            key=recipient.key,
            mail_from=self._from_address,
            rcpt_to=recipient.address,
            body=compose(mail),
        )

    def _local_day(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone)


def _heading(mailing_list: MailingList) -> _Heading:
    identifier = list_id_header(mailing_list, get_sender_by_id(mailing_list.sender_id))
    phrase = " ".join(mailing_list.name.split())
    return _Heading(
        public_id=mailing_list.public_id,
        name=mailing_list.name,
        list_id=f"{phrase} <{identifier}>",
    )
