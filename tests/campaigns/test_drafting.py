from __future__ import annotations

import pytest

from mailer import campaigns
from mailer.campaigns import CampaignDraft
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, NotFound, Stale
from mailer.foundation.paging import Cursor
from tests.campaigns.conftest import House
from tests.support.factories import DORA, make_list, make_organisation
from tests.support.make_campaigns import fresh, make_draft


def test_a_draft_keeps_what_its_editor_wrote(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list, subject="  Autumn  ")
    found = campaigns.get_campaign(house.organisation, campaign.public_id)
    assert (found.subject, found.revision) == ("Autumn", 2)
    assert campaigns.lists_of(found) == [house.mailing_list]
    page = campaigns.list_campaigns(house.organisation, Cursor())
    assert [one.public_id for one in page.rows] == [campaign.public_id]


def test_the_second_of_two_editors_does_not_overwrite_the_first(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    opened_by_both = campaign.revision
    with unit_of_work():
        campaigns.change_campaign(campaign, CampaignDraft(name="Ada's"), opened_by_both)
    with pytest.raises(Stale), unit_of_work():
        campaigns.change_campaign(campaign, CampaignDraft(name="Ben's"), opened_by_both)
    assert fresh(campaign).name == "Ada's"


def test_what_is_being_sent_cannot_be_changed_or_deleted(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with unit_of_work():
        campaigns.start(campaign)
    for change in (
        lambda: campaigns.change_campaign(campaign, CampaignDraft(name="x"), campaign.revision),
        lambda: campaigns.delete_campaign(campaign),
        lambda: campaigns.archive_campaign(campaign),
    ):
        with pytest.raises(NotAllowed), unit_of_work():
            change()


def test_a_copy_is_a_draft_of_its_own(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with unit_of_work():
        copy = campaigns.duplicate_campaign(campaign, None)
    assert copy.public_id != campaign.public_id
    assert copy.name == "Autumn (copy)"
    assert (copy.subject, copy.body) == (campaign.subject, campaign.body)
    assert campaigns.lists_of(copy) == [house.mailing_list]


def test_a_deleted_draft_is_gone(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    public_id = campaign.public_id
    with unit_of_work():
        campaigns.delete_campaign(campaign)
    with pytest.raises(NotFound):
        campaigns.get_campaign(house.organisation, public_id)


def test_an_archived_campaign_leaves_the_list(house: House) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with unit_of_work():
        campaigns.archive_campaign(campaign)
    assert campaigns.list_campaigns(house.organisation, Cursor()).rows == []
    page = campaigns.list_campaigns(house.organisation, Cursor(), with_archived=True)
    assert len(page.rows) == 1


def test_dora_sees_and_uses_nothing_of_adas(house: House) -> None:
    dora = make_organisation(DORA)
    campaign = make_draft(house.organisation, house.mailing_list)
    with pytest.raises(NotFound):
        campaigns.get_campaign(dora, campaign.public_id)
    own = make_draft(dora, make_list(dora))
    with pytest.raises(NotFound), unit_of_work():
        draft = CampaignDraft(name="x", lists=(house.mailing_list,))
        campaigns.change_campaign(own, draft, own.revision)


@pytest.mark.parametrize(
    ("field", "draft"),
    [
        ("name", CampaignDraft(name=" ")),
        ("name", CampaignDraft(name="x" * 201)),
        ("subject", CampaignDraft(name="x", subject="x" * 501)),
        ("subject", CampaignDraft(name="x", subject="one\r\nBcc: two@example.org")),
        ("body", CampaignDraft(name="x", body="a\x00b")),
    ],
)
def test_what_cannot_be_kept_is_refused_by_field(
    house: House, field: str, draft: CampaignDraft
) -> None:
    campaign = make_draft(house.organisation, house.mailing_list)
    with pytest.raises(Invalid) as refused, unit_of_work():
        campaigns.change_campaign(campaign, draft, campaign.revision)
    assert field in refused.value.fields
