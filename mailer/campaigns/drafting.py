"""Writing a campaign: drafts are created, changed, copied and put away; what is sent stays as it was."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa

from mailer.accounts import Account
from mailer.campaigns.models import Campaign, CampaignList
from mailer.campaigns.states import CampaignState
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import Invalid, NotAllowed, NotFound, Stale
from mailer.foundation.paging import Cursor, Page, page_of
from mailer.lists import MailingList
from mailer.organisations import Organisation, Sender
from mailer.rendering import BodyFormat, CampaignContent

LONGEST_NAME = 200
LONGEST_LINE = 500
LONGEST_BODY = 200_000
_RUNNING = (CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDraft:
    """Everything an editor can set; lists and sender are rows of the campaign's organisation."""

    name: str
    subject: str = ""
    preheader: str = ""
    body_format: BodyFormat = BodyFormat.MARKDOWN
    body: str = ""
    has_automatic_footer: bool = True
    language: str = "en"
    counts_clicks: bool = False
    sender: Sender | None = None
    lists: tuple[MailingList, ...] = field(default_factory=tuple)


def create_campaign(organisation: Organisation, by: Account | None, name: str) -> Campaign:
    """A new, empty draft. Raises Invalid for a name that is empty or too long."""
    campaign = Campaign(
        organisation_id=organisation.id,
        created_by_id=by.id if by else None,
        name=_checked_name(name),
        state=CampaignState.DRAFT,
    )
    db.session.add(campaign)
    db.session.flush()
    return campaign


def change_campaign(campaign: Campaign, draft: CampaignDraft, revision: int) -> Campaign:
    """Replace what a draft says; `revision` is the one the editor began with.

    Raises Invalid, NotAllowed when it is no draft any more, Stale when somebody else saved meanwhile.
    """
    _check(campaign, draft)
    changed = db.session.execute(
        sa.update(Campaign)
        .where(
            Campaign.id == campaign.id,
            Campaign.state == CampaignState.DRAFT,
            Campaign.revision == revision,
        )
        .values(
            name=_checked_name(draft.name),
            subject=draft.subject.strip(),
            preheader=draft.preheader.strip(),
            body_format=draft.body_format,
            body=draft.body,
            has_automatic_footer=draft.has_automatic_footer,
            language=draft.language,
            counts_clicks=draft.counts_clicks,
            sender_id=draft.sender.id if draft.sender else None,
            revision=revision + 1,
            held_because="",
        )
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(campaign)
    if changed is None:
        if campaign.state is not CampaignState.DRAFT:
            raise NotAllowed("Only a draft can be changed, and this campaign is none any more.")
        raise Stale("Somebody else saved this campaign meanwhile. Open it again to see their text.")
    _replace_lists(campaign, {mailing_list.id for mailing_list in draft.lists})
    return campaign


def duplicate_campaign(campaign: Campaign, by: Account | None) -> Campaign:
    """A new draft with the same content, sender and lists."""
    copy = Campaign(
        organisation_id=campaign.organisation_id,
        created_by_id=by.id if by else None,
        name=f"{campaign.name[: LONGEST_NAME - 7]} (copy)",
        subject=campaign.subject,
        preheader=campaign.preheader,
        body_format=campaign.body_format,
        body=campaign.body,
        has_automatic_footer=campaign.has_automatic_footer,
        language=campaign.language,
        counts_clicks=campaign.counts_clicks,
        sender_id=campaign.sender_id,
        state=CampaignState.DRAFT,
    )
    db.session.add(copy)
    db.session.flush()
    _replace_lists(copy, {mailing_list.id for mailing_list in lists_of(campaign)})
    return copy


def archive_campaign(campaign: Campaign) -> None:
    """Take a campaign out of the list. Raises NotAllowed while it is scheduled or being sent."""
    archived = db.session.execute(
        sa.update(Campaign)
        .where(Campaign.id == campaign.id, Campaign.state.not_in(_RUNNING))
        .values(archived_at=sa.func.coalesce(Campaign.archived_at, now()))
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.refresh(campaign)
    if archived is None:
        raise NotAllowed(
            f"A campaign that is {campaign.state} cannot be archived; cancel it first."
        )


def delete_campaign(campaign: Campaign) -> None:
    """Delete a draft. Raises NotAllowed for anything that was ever sent or is scheduled."""
    db.session.execute(
        sa.delete(CampaignList).where(
            CampaignList.campaign_id == campaign.id,
            sa.exists().where(Campaign.id == campaign.id, Campaign.state == CampaignState.DRAFT),
        )
    )
    deleted = db.session.execute(
        sa.delete(Campaign)
        .where(Campaign.id == campaign.id, Campaign.state == CampaignState.DRAFT)
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    ).first()
    if deleted is None:
        raise NotAllowed("Only a draft can be deleted; archive this campaign instead.")
    db.session.expunge(campaign)


def get_campaign(organisation: Organisation, public_id: str) -> Campaign:
    """The campaign of this organisation. Raises NotFound."""
    campaign = db.session.scalar(
        sa.select(Campaign).where(
            Campaign.organisation_id == organisation.id, Campaign.public_id == public_id
        )
    )
    if campaign is None:
        raise NotFound("There is no such campaign here.")
    return campaign


def get_campaign_by_id(campaign_id: int) -> Campaign:
    """The campaign with this row id. Raises NotFound."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    return campaign


def find_campaign(public_id: str) -> Campaign | None:
    """The campaign with this public id, whoever it belongs to; for links in mails."""
    return db.session.scalar(sa.select(Campaign).where(Campaign.public_id == public_id))


def list_campaigns(
    organisation: Organisation,
    cursor: Cursor,
    *,
    states: Collection[CampaignState] = (),
    with_archived: bool = False,
) -> Page[Campaign]:
    """One page of an organisation's campaigns, newest first; `states` empty means all."""
    query = sa.select(Campaign).where(Campaign.organisation_id == organisation.id)
    if states:
        query = query.where(Campaign.state.in_(states))
    if not with_archived:
        query = query.where(Campaign.archived_at.is_(None))
    return page_of(query, Campaign, cursor)


def lists_of(campaign: Campaign) -> list[MailingList]:
    """The lists a campaign goes to, oldest first."""
    return list(
        db.session.scalars(
            sa.select(MailingList)
            .join(CampaignList, CampaignList.mailing_list_id == MailingList.id)
            .where(CampaignList.campaign_id == campaign.id)
            .order_by(MailingList.id)
        )
    )


def content_of(campaign: Campaign) -> CampaignContent:
    """What the author wrote, as rendering takes it."""
    return CampaignContent(
        subject=campaign.subject,
        preheader=campaign.preheader,
        body_format=campaign.body_format,
        body=campaign.body,
        language=campaign.language,
        has_automatic_footer=campaign.has_automatic_footer,
    )


def _replace_lists(campaign: Campaign, wanted: set[int]) -> None:
    db.session.execute(sa.delete(CampaignList).where(CampaignList.campaign_id == campaign.id))
    if wanted:
        rows = [{"campaign_id": campaign.id, "mailing_list_id": one} for one in sorted(wanted)]
        db.session.execute(sa.insert(CampaignList), rows)


def _check(campaign: Campaign, draft: CampaignDraft) -> None:
    owners = {mailing_list.organisation_id for mailing_list in draft.lists}
    if draft.sender is not None:
        owners.add(draft.sender.organisation_id)
    if owners - {campaign.organisation_id}:
        raise NotFound("There is no such list or sender here.")
    errors = {
        name: f"Please use at most {longest} characters."
        for name, text, longest in (
            ("subject", draft.subject, LONGEST_LINE),
            ("preheader", draft.preheader, LONGEST_LINE),
            ("body", draft.body, LONGEST_BODY),
            ("language", draft.language, 10),
        )
        if len(text) > longest
    }
    for name, text in (("subject", draft.subject), ("preheader", draft.preheader)):
        if any(mark in text for mark in "\r\n"):
            errors[name] = "Please use one line only."
    if any("\x00" in text for text in (draft.subject, draft.preheader, draft.body)):
        errors["body"] = "This contains characters that cannot be stored."
    if errors:
        raise Invalid("Please correct the fields marked below.", errors)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or "\x00" in name:
        sentence = f"Please give the campaign a name of at most {LONGEST_NAME} characters."
        raise Invalid(sentence, {"name": sentence})
    return name
