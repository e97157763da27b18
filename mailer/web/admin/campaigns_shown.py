"""What the pages of a campaign show: its frame, the choices of its editor, and where everybody stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import url_for

from mailer import (
    campaigns,
    contacts,
    delivery,
    lists,
    organisations,
    reports,
    subscriptions,
    transactional,
)
from mailer.accounts import Right, may
from mailer.campaigns import Against, AudiencePreview, Campaign, CampaignState, Finding, Level
from mailer.delivery import DeliveryState, SkipReason
from mailer.foundation import clock
from mailer.foundation.addresses import mask_addresses
from mailer.rendering import OWN_NAMES
from mailer.reports import CampaignReport
from mailer.suppression import Reason
from mailer.transactional import MessageState, TransactionalMessage
from mailer.web.admin.door import signed_in

STATES: dict[CampaignState, tuple[str, str]] = {
    CampaignState.DRAFT: ("withdrawn", "draft"),
    CampaignState.SCHEDULED: ("waiting", "scheduled"),
    CampaignState.SENDING: ("waiting", "sending"),
    CampaignState.PAUSED: ("held", "paused"),
    CampaignState.SENT: ("proven", "sent"),
    CampaignState.CANCELLED: ("withdrawn", "cancelled"),
}
_D = DeliveryState
DELIVERY_STATES: dict[DeliveryState, tuple[str, str]] = {
    _D.PLANNED: ("waiting", "waiting"),
    _D.CLAIMED: ("waiting", "on its way"),
    _D.DEFERRED: ("waiting", "refused for now, tries again"),
    _D.HELD: ("waiting", "held back, as the person asked"),
    _D.ACCEPTED: ("proven", "accepted"),
    _D.REFUSED: ("refused", "refused"),
    _D.SKIPPED: ("withdrawn", "left out"),
    _D.UNCERTAIN: ("uncertain", "uncertain"),
}
SKIPPED: dict[SkipReason, tuple[str, str]] = {
    SkipReason.SUPPRESSED: ("held", "not to be mailed"),
    SkipReason.WITHDRAWN: ("withdrawn", "unsubscribed before it left"),
    SkipReason.CANCELLED: ("withdrawn", "cancelled before it left"),
    SkipReason.ERASED: ("withdrawn", "erased before it left"),
    SkipReason.UNRENDERABLE: ("held", "a placeholder had no value"),
    SkipReason.RESTRICTED: ("held", "their data is restricted"),
    SkipReason.PAUSED: ("held", "has paused mail"),
    SkipReason.TOO_OFTEN: ("held", "wants less mail"),
}
# Why somebody of an audience does not get the mail: words of the send gate and of suppression.
AWAY: dict[str, str] = {
    Against.RESTRICTED: "Their data is restricted",
    Against.WITHDRAWN: "No longer subscribed",
    Against.ERASED: "Erased",
    Against.PAUSED: "Have paused mail",
    Against.TOO_OFTEN: "Want less mail",
    campaigns.UNRENDERABLE: "Lack a value that the mail asks for",
    Reason.BOUNCE: "Their mailbox refused mail (bounced)",
    Reason.NOT_ME: "Said “I did not ask for this”",
    Reason.UNSUBSCRIBED: "Stopped all mail",
    Reason.OBJECTION: "Objected",
    Reason.COMPLAINT: "Reported a mail as spam",
    Reason.ERASURE: "Were erased once",
    Reason.MANUAL: "Not to be mailed, entered by the team",
}
# Findings that are put right on the sender's page.
SENDER_CODES = (
    "sender_domain",
    "unsigned",
    "signed",
    "ed25519_alone",
    "key_not_published",
    "second_key_not_published",
    "dns_silent",
    "dns_silent_policies",
    "spf",
    "dmarc",
)
TEST_STATES: dict[MessageState, tuple[str, str]] = {
    MessageState.PLANNED: ("waiting", "waiting to be sent"),
    MessageState.CLAIMED: ("waiting", "on its way"),
    MessageState.DEFERRED: ("waiting", "refused for now, tries again"),
    MessageState.ACCEPTED: ("proven", "accepted by the mail server"),
    MessageState.REFUSED: ("refused", "refused by the mail server"),
    MessageState.UNCERTAIN: ("uncertain", "sent, but the reply was lost"),
    MessageState.CANCELLED: ("held", "given up, for it waited too long"),
}
FINAL_TEST_STATES = frozenset(
    {
        MessageState.ACCEPTED,
        MessageState.REFUSED,
        MessageState.UNCERTAIN,
        MessageState.CANCELLED,
    }
)


def frame_of(campaign: Campaign) -> dict[str, Any]:
    """What every page about `campaign` says at its head."""
    sender_id = campaign.sender_id
    return {
        "campaign": campaign,
        "state": STATES[campaign.state],
        "lists": campaigns.lists_of(campaign),
        "sender": organisations.get_sender_by_id(sender_id) if sender_id else None,
        "language_name": lists.LANGUAGES.get(campaign.language, campaign.language),
    }


def editor_choices(campaign: Campaign) -> dict[str, Any]:
    """Senders, lists, languages and placeholders an editor may choose from."""
    organisation = signed_in().organisation
    chosen = campaigns.lists_of(campaign)
    offered = lists.list_lists(organisation)
    offered += [one for one in chosen if one not in offered]
    counts = subscriptions.count_active([one.id for one in offered])
    return {
        "senders": [
            (one.public_id, f"{one.from_name} <{one.from_address}>")
            for one in organisations.list_senders(organisation)
        ],
        "lists": [
            (one.public_id, one.name, f"{_people(counts[one.id])}. {one.purpose.name}.")
            for one in offered
        ],
        "languages": list(lists.LANGUAGES.items()),
        "placeholders": placeholders(),
    }


def placeholders() -> list[str]:
    """Every placeholder that may stand in a mail, ready to be copied."""
    fields = contacts.list_field_names(signed_in().organisation)
    own = [f"{{{{ {root}.{name} }}}}" for root, names in OWN_NAMES.items() for name in names]
    always = ("email", "language")
    people = [
        f"{{{{ contact.{name} }}}}"
        if name in always
        else f'{{{{ contact.{name} | default("…") }}}}'
        for name in fields
    ]
    return [*people, *own]


def test_of(campaign: Campaign) -> dict[str, Any] | None:
    """The newest test of `campaign` and what became of it; None when none was sent."""
    message: TransactionalMessage | None = transactional.find_newest(campaign.public_id)
    if message is None:
        return None
    reply = mask_addresses(f"{message.reply_code or ''} {message.reply_text}".strip())
    return {
        "state": TEST_STATES[message.state],
        "to": message.to_address,
        "at": message.settled_at or message.created_at,
        "reply": reply,
        "is_settled": message.state in FINAL_TEST_STATES,
    }


def _people(count: int) -> str:
    return "One person" if count == 1 else f"{count:,} people"


def checklist_of(campaign: Campaign, findings: Sequence[Finding]) -> list[dict[str, str]]:
    """The findings as the check list shows them, each with the way to put it right."""
    elsewhere = {"identity": (url_for(".settings"), "Complete the settings")}
    if campaign.sender_id is not None and may(signed_in().member.role, Right.MANAGE):
        sender = organisations.get_sender_by_id(campaign.sender_id)
        page = url_for(".sender", public_id=sender.public_id)
        elsewhere |= dict.fromkeys(SENDER_CODES, (page, "Open the sender’s page"))
    items = []
    for finding in findings:
        item = {"state": finding.level.value, "text": finding.message, "hint": finding.hint}
        if finding.level is not Level.OK:
            edit = url_for(".campaign_edit", public_id=campaign.public_id)
            item["href"], item["link"] = elsewhere.get(finding.code, (edit, "Open the editor"))
        items.append(item)
    return items


def groups_of(campaign: Campaign, audience: AudiencePreview) -> dict[str, list[dict[str, Any]]]:
    """Who gets the mail later and who does not: each group with its reason, its number, and who they are."""

    def shown(counts: Mapping[str, int], is_held: bool) -> list[dict[str, Any]]:
        held = "yes" if is_held else None
        at = partial(url_for, ".campaign_away", public_id=campaign.public_id, held=held)
        return [
            {"title": title, "people": counts[word], "href": at(word=str(word))}
            for word, title in AWAY.items()
            if word in counts
        ]

    return {"held": shown(audience.held, True), "left_out": shown(audience.left_out, False)}


def progress_of(campaign: Campaign) -> dict[str, Any]:
    """Where everybody stands, how fast it goes, and why it waits if it does."""
    report = reports.campaign_report(campaign)
    counts = report.counts
    has_left_out = bool(counts[DeliveryState.REFUSED] or counts[DeliveryState.SKIPPED])
    is_sent = campaign.state is CampaignState.SENT
    return {
        "report": report,
        # Counted once all is over: while it is being sent, this is asked for every second.
        "left_out": delivery.count_left_out(campaign) if has_left_out and is_sent else 0,
        "has_left_out": has_left_out and not is_sent,
        "clicks": reports.click_report(campaign),
        "parts": parts_of(report),
        "is_over": campaign.state in (CampaignState.SENT, CampaignState.CANCELLED),
        "time_left": _time_left(report),
        "tenth": int(report.share_settled * 10) * 10,
    }


def _time_left(report: CampaignReport) -> str:
    if report.eta is None:
        return f"{report.waiting:,} still to go"
    minutes = round((report.eta - clock.now()).total_seconds() / 60)
    if minutes < 1:
        return "less than a minute left"
    if minutes < 120:
        return f"about {minutes} minute{'' if minutes == 1 else 's'} left"
    return f"about {round(minutes / 60)} hours left"


def parts_of(report: CampaignReport) -> list[tuple[str, str, int]]:
    """Mark, word and number of every state; together they are the audience."""
    counts = report.counts
    left_out = [(*SKIPPED[reason], count) for reason, count in report.skipped.items()]
    return [
        (*DELIVERY_STATES[_D.ACCEPTED], counts[_D.ACCEPTED]),
        ("waiting", "waiting", counts[_D.PLANNED] + counts[_D.CLAIMED]),
        (*DELIVERY_STATES[_D.DEFERRED], counts[_D.DEFERRED]),
        (*DELIVERY_STATES[_D.HELD], counts[_D.HELD]),
        (*DELIVERY_STATES[_D.UNCERTAIN], counts[_D.UNCERTAIN]),
        (*DELIVERY_STATES[_D.REFUSED], counts[_D.REFUSED]),
        *left_out,
    ]


def delivery_state(state: DeliveryState, reason: SkipReason | None) -> tuple[str, str]:
    """Mark and word of one delivery; who was left out has the reason for a word."""
    return SKIPPED[reason] if reason is not None else DELIVERY_STATES[state]
