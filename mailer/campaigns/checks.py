"""The check list of a campaign: what keeps it from being sent, and what its author should know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.campaigns.audience import AudiencePreview, audience_preview
from mailer.campaigns.clicks import countable_links
from mailer.campaigns.drafting import content_of, lists_of
from mailer.campaigns.models import Campaign
from mailer.campaigns.sender_checks import Finding, Level, blocking, check_sender
from mailer.contacts import list_field_names
from mailer.foundation.errors import Invalid
from mailer.lists import MailingList
from mailer.organisations import (
    DomainDns,
    Organisation,
    get_organisation_by_id,
    imprint_lines,
    missing_identity,
)
from mailer.rendering import (
    BodyFormat,
    CampaignContent,
    Values,
    compile_content,
    find_problems,
    uses_imprint,
    uses_unsubscribe_link,
    why_slow,
)

LONGEST_SUBJECT = 70  # characters most inboxes show
GMAIL_CLIPS_AT = 102 * 1024  # octets of HTML after which Gmail hides the rest, the footer included
_PLACEHOLDER = re.compile(r"\{\{\s*contact\.(\w+)([^}]*)\}\}")
_MARKDOWN_IMAGE_WITHOUT_ALT = re.compile(r"!\[\s*\]\(")
_HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_PLAIN_HTTP = re.compile(r"http://[^\s)\"'<>]+", re.IGNORECASE)
_ALWAYS_KNOWN = frozenset({"email", "language"})


def run(
    campaign: Campaign,
    audience: AudiencePreview | None = None,
    domain_dns: DomainDns | None = None,
) -> list[Finding]:
    """Check everything that can be known before sending; blocking findings first.

    A campaign with a blocking finding can be neither scheduled nor started (E-020, E-030). `audience` is who
    would get it now, if that was counted already; `domain_dns` what DNS said of the sender's domain, if it
    was asked.
    """
    organisation = get_organisation_by_id(campaign.organisation_id)
    content = content_of(campaign)
    findings = [
        *_check_subject(content),
        *check_sender(campaign, domain_dns),
        *_check_lists(campaign),
        *_check_recipients(audience or audience_preview(campaign)),
        *_check_placeholders(content, organisation),
        *_check_duties(content, organisation),
        *_check_reading(content, organisation),
        *_check_way(content, organisation),
        *_check_clicks(campaign),
    ]
    order = list(Level)
    return sorted(findings, key=lambda finding: order.index(finding.level))


def _check_subject(content: CampaignContent) -> Iterator[Finding]:
    if not content.subject.strip():
        yield blocking(
            "subject", "The subject is empty.", "Write one line that says what is in it."
        )
    elif len(content.subject) > LONGEST_SUBJECT:
        yield Finding(
            Level.WARNING,
            "long_subject",
            f"The subject has {len(content.subject)} characters.",
            f"Most inboxes show the first {LONGEST_SUBJECT} at most.",
        )
    if not content.body.strip():
        yield blocking("body", "The mail has no text.", "Write something for people to read.")
    if not content.preheader.strip():
        yield Finding(
            Level.WARNING,
            "preheader",
            "There is no preheader.",
            "Inboxes show it after the subject; without one they show the first words they find.",
        )


def _check_lists(campaign: Campaign) -> Iterator[Finding]:
    mailing_lists = lists_of(campaign)
    if not mailing_lists:
        yield blocking("lists", "No list is chosen.", "Choose whom the mail goes to.")
        return
    for mailing_list in mailing_lists:
        if mailing_list.archived_at is not None or mailing_list.purpose.archived_at is not None:
            yield blocking(
                "archived_list",
                f"The list “{mailing_list.name}” or its purpose has been archived.",
                "Take it out of this campaign.",
            )
    yield from _check_purpose(mailing_lists)


def _check_purpose(mailing_lists: list[MailingList]) -> Iterator[Finding]:
    names = sorted({mailing_list.purpose.name for mailing_list in mailing_lists})
    if len({mailing_list.purpose_id for mailing_list in mailing_lists}) > 1:
        yield blocking(
            "purposes",
            f"The lists serve different purposes: {', '.join(names)}.",
            "People agreed to one purpose each. Send one campaign for each purpose.",
        )


def _check_recipients(audience: AudiencePreview) -> Iterator[Finding]:
    held, left_out = sum(audience.held.values()), sum(audience.left_out.values())
    if not audience.reachable and not held:
        yield blocking(
            "recipients",
            "Nobody would receive this.",
            "The chosen lists have no active member whom this mail may go to and can be made for.",
        )
        return
    message = f"It goes to {_people(audience.reachable)}."
    if held:
        message += f" {held:,} more {'gets' if held == 1 else 'get'} it later, as they asked."
    if left_out:
        message += f" {left_out:,} more {'is' if left_out == 1 else 'are'} left out."
    yield Finding(Level.OK, "recipients", message)


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _check_placeholders(content: CampaignContent, organisation: Organisation) -> Iterator[Finding]:
    problems = find_problems(content, contact_fields=list_field_names(organisation))
    for problem in problems:
        place = f"{problem.field.capitalize()}, line {problem.line}"
        yield blocking("content", f"{place}: {problem.message}", problem.suggestion or "")
    if problems:
        return
    used = _PLACEHOLDER.findall(f"{content.subject}\n{content.preheader}\n{content.body}")
    for name in sorted({name for name, filters in used if "default" not in filters}):
        if name not in _ALWAYS_KNOWN:
            yield Finding(
                Level.WARNING,
                "no_default",
                f"contact.{name} has no default.",
                f'Who has none is left out. Write {{{{ contact.{name} | default("…") }}}}.',
            )


def _check_duties(content: CampaignContent, organisation: Organisation) -> Iterator[Finding]:
    if uses_unsubscribe_link(content):
        yield Finding(Level.OK, "unsubscribe", "Every mail has an unsubscribe link.")
    else:
        yield blocking(
            "unsubscribe",
            "There is no unsubscribe link.",
            "Switch the footer on, or place {{ campaign.unsubscribe_url }} where everybody sees it.",
        )
    missing = missing_identity(organisation)
    if missing:
        yield blocking(
            "identity",
            f"The imprint is incomplete. Missing: {', '.join(missing)}.",
            "Complete the organisation's settings.",
        )
    if not uses_imprint(content):
        yield blocking(
            "imprint",
            "There is no imprint.",
            "Switch the footer on, or place {{ organisation.imprint }} where everybody sees it.",
        )
    elif not missing:
        yield Finding(Level.OK, "imprint", "Every mail has the imprint.")


def _check_reading(content: CampaignContent, organisation: Organisation) -> Iterator[Finding]:
    size = _html_size(content, organisation)
    if size > GMAIL_CLIPS_AT:
        yield Finding(
            Level.WARNING,
            "size",
            f"The mail has {size // 1024} KB of HTML.",
            "Gmail hides what comes after 102 KB, the unsubscribe link included. Shorten it.",
        )
    if _has_image_without_alt(content):
        yield Finding(
            Level.WARNING,
            "alt",
            "A picture has no alternative text.",
            "Say what it shows, for those who do not see it.",
        )
    plain = _PLAIN_HTTP.search(content.body)
    if plain:
        yield Finding(
            Level.WARNING,
            "http",
            f"A link is not encrypted: {plain[0][:80]}",
            "Begin it with https://.",
        )


def _check_way(content: CampaignContent, organisation: Organisation) -> Iterator[Finding]:
    try:
        compiled = compile_content(content, contact_fields=list_field_names(organisation))
    except Invalid:
        return  # the problems are named elsewhere
    reason = why_slow(compiled)
    if reason:
        yield Finding(
            Level.WARNING,
            "slower_way",
            f"This campaign is sent the slower way because {reason}.",
            "That is some hundred mails a second, and nothing else is different.",
        )


def _check_clicks(campaign: Campaign) -> Iterator[Finding]:
    if not campaign.counts_clicks:
        return
    if countable_links(campaign):
        yield Finding(
            Level.OK,
            "clicks",
            "Clicks are counted of people who agreed to it. Everybody else gets the links as they are.",
        )
    else:
        yield Finding(
            Level.WARNING,
            "no_clicks",
            "Clicks are to be counted, and there is no link to count.",
            "Links that hold a person’s values are left as they are.",
        )


def _has_image_without_alt(content: CampaignContent) -> bool:
    if content.body_format is BodyFormat.MARKDOWN:
        return bool(_MARKDOWN_IMAGE_WITHOUT_ALT.search(content.body))
    tags = _HTML_IMAGE.findall(content.body)
    return any("alt=" not in tag.lower() for tag in tags)


def _html_size(content: CampaignContent, organisation: Organisation) -> int:
    """Octets of the HTML part for a person whose every field is filled; 0 when it cannot be made."""
    names = list_field_names(organisation)
    values = Values(
        contact=dict.fromkeys(names, "Example"),
        campaign={
            "subject": content.subject,
            "unsubscribe_url": "https://example.org/u/" + "x" * 120,
            "preferences_url": "https://example.org/p/" + "x" * 120,
        },
        organisation={
            "name": organisation.name,
            "legal_name": organisation.legal_name or "–",
            "imprint": "\n".join(imprint_lines(organisation)) or "–",
            "contact_email": organisation.contact_email or "–",
            "privacy_notice_url": "https://example.org/notice/" + "x" * 30,
        },
        why="You receive this because you subscribed.",
    )
    try:
        return len(compile_content(content, contact_fields=names).render(values).html.encode())
    except Invalid:
        return 0
