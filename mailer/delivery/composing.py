"""From a claimed row to the bytes of one mail; everything a campaign's mails share is made once."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from mailer import subscriptions, tracking
from mailer.campaigns import Campaign, content_of, lists_of
from mailer.contacts import list_field_names
from mailer.delivery import links
from mailer.delivery.reasons import read_provenance, why
from mailer.delivery.recipients import Recipient
from mailer.foundation.addresses import parse_address
from mailer.foundation.clock import now
from mailer.foundation.errors import Invalid
from mailer.lists import MailingList, list_id_header
from mailer.organisations import (
    Organisation,
    Sender,
    get_organisation_by_id,
    get_sender_by_id,
    imprint_lines,
    signers_for,
)
from mailer.rendering import (
    Addressee,
    CompiledContent,
    Counted,
    Frame,
    Sealer,
    Skeleton,
    compile_content,
    why_slow,
)
from mailer.subscriptions import LinkTokens
from mailer.tracking import ClickTokens
from mailer.transport import Envelope

MOST_REASONS = (
    10_000  # that are remembered; imported people may each have a day and a source of their own
)
ONE_CLICK = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")  # RFC 8058


class _Heading:
    """What the mails to members of one list share."""

    def __init__(
        self, mailing_list: MailingList, campaign: Campaign, organisation: Organisation
    ) -> None:
        identifier = list_id_header(mailing_list, get_sender_by_id(mailing_list.sender_id))
        self.list_id = f"{' '.join(mailing_list.name.split())} <{identifier}>"
        self.tokens = LinkTokens(mailing_list.public_id, campaign.public_id)
        self._name = mailing_list.name
        self._language = campaign.language
        self._organisation = organisation
        self._reasons: dict[tuple[date, str, str], str] = {}

    def why(self, since: date, origin: str, facts: str) -> str:
        """The reason for the mail, for members since this day whose consent came about like this."""
        found = self._reasons.get((since, origin, facts))
        if found is None:
            if len(self._reasons) == MOST_REASONS:
                self._reasons.clear()
            found = self._reasons[since, origin, facts] = why(
                self._language,
                self._name,
                self._organisation,
                since,
                read_provenance(origin, json.loads(facts)),
            )
        return found


class Composer:
    """Writes the mails of one campaign, as it and its organisation stand when this is made.

    Signed when the sender's domain has keys. `slow_because` says why they are made the slower way;
    empty when they are not. Raises Invalid when the campaign's content cannot be compiled or it has
    no sender.
    """

    def __init__(self, campaign: Campaign) -> None:
        if campaign.sender_id is None:
            raise Invalid("This campaign has no sender.")
        organisation = get_organisation_by_id(campaign.organisation_id)
        sender = get_sender_by_id(campaign.sender_id)
        signers = signers_for(organisation.id, sender.from_address)
        self.revision = campaign.revision
        self._content = compile_content(
            content_of(campaign), contact_fields=list_field_names(organisation)
        )
        self.slow_because = why_slow(self._content)
        self._sealer = Sealer(signers) if signers else None
        self._frame = _frame(campaign, organisation, sender)
        self._counted = self._compile_counted(campaign, organisation)
        self._click = ClickTokens(campaign.public_id).make
        self._skeletons: dict[tuple[int, int, int], Skeleton] = {}  # by the widths of the tokens
        self._zone = ZoneInfo(organisation.time_zone)
        self._from_address = sender.from_address
        self._message_name = links.message_names(campaign.public_id)
        self._headings = {
            one.id: _Heading(one, campaign, organisation) for one in lists_of(campaign)
        }

    def compose(self, recipient: Recipient) -> Envelope:
        """The mail to one person. Raises Invalid when it cannot be made for them."""
        heading = self._headings[recipient.mailing_list_id]
        contact = recipient.contact_public_id
        unsubscribe, preferences = heading.tokens.make(contact)
        clicks = self._click(contact) if recipient.is_counted and self._counted else ""
        widths = len(unsubscribe), len(preferences), len(clicks)
        skeleton = self._skeletons.get(widths)
        if skeleton is None:
            skeleton = self._skeletons[widths] = self._make_skeleton(
                heading, len(contact), self._counted if clicks else None
            )
        who = Addressee(
            recipient.name,
            recipient.address,
            recipient.values,
            heading.why(
                recipient.consented_at.astimezone(self._zone).date(),
                recipient.origin,
                recipient.origin_facts,
            ),
            heading.list_id,
            unsubscribe,
            preferences,
            self._message_name(contact),
            clicks,
        )
        return Envelope.spliced(
            key=recipient.key,
            mail_from=self._from_address,
            rcpt_to=recipient.address,
            body=skeleton.compose(who, now()),
        )

    def _compile_counted(
        self, campaign: Campaign, organisation: Organisation
    ) -> CompiledContent | None:
        """The mail of people whose clicks are counted; None when there is nothing to count."""
        numbers = tracking.numbers_of(campaign) if campaign.counts_clicks else {}
        if not numbers:
            return None
        return compile_content(
            content_of(campaign),
            contact_fields=list_field_names(organisation),
            counted=Counted(numbers, self._frame.organisation),
        )

    def _make_skeleton(
        self, heading: _Heading, width: int, counted: CompiledContent | None
    ) -> Skeleton:
        """For people whose public ids are this wide, as all are that came the same way."""
        # Nobody is called this, and without our key nobody can make its tokens.
        nobody = f"con_{secrets.token_hex(width)}"[:width]
        tokens = heading.tokens.make(nobody)
        if counted is None:
            return Skeleton(self._content, replace(self._frame, sample_tokens=tokens), self._sealer)
        frame = replace(self._frame, sample_tokens=(*tokens, self._click(nobody)))
        return Skeleton(counted, frame, self._sealer)


def _frame(campaign: Campaign, organisation: Organisation, sender: Sender) -> Frame:
    return Frame(
        from_name=sender.from_name,
        from_address=sender.from_address,
        reply_to=sender.reply_to or None,
        domain=parse_address(sender.from_address).domain,
        subject=campaign.subject,
        organisation={
            "name": organisation.name,
            "legal_name": organisation.legal_name,
            "imprint": "\n".join(imprint_lines(organisation)),
            "contact_email": organisation.contact_email,
            "privacy_notice_url": links.notice_url(organisation.public_id),
        },
        unsubscribe_at=subscriptions.unsubscribe_at(),
        preferences_at=subscriptions.preferences_at(),
        clicks_at=tracking.clicks_at(),
        stop_at=tracking.stop_at(),
        boundary_of=campaign.public_id,
        headers=(ONE_CLICK, ("Feedback-ID", links.feedback_id(campaign, organisation))),
    )
