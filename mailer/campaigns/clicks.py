"""Which links of a campaign can be counted; whose clicks are is decided for each person (C-101)."""

from __future__ import annotations

from mailer.campaigns.drafting import content_of
from mailer.campaigns.models import Campaign
from mailer.contacts import list_field_names
from mailer.foundation.context import settings
from mailer.organisations import get_organisation_by_id, imprint_lines
from mailer.rendering import list_targets


def countable_links(campaign: Campaign) -> list[str]:
    """Where the links lead that are the same for everybody, in order; pages of our own are not counted."""
    organisation = get_organisation_by_id(campaign.organisation_id)
    targets = list_targets(
        content_of(campaign),
        contact_fields=list_field_names(organisation),
        organisation={
            "name": organisation.name,
            "legal_name": organisation.legal_name,
            "imprint": "\n".join(imprint_lines(organisation)),
            "contact_email": organisation.contact_email,
        },
    )
    own = settings().public_url
    return [one for one in targets if one != own and not one.startswith(f"{own}/")]
