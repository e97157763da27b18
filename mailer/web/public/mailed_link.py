"""Asked on the preference page: a link goes to the address itself, never to whoever asked."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template

from mailer import subscriptions
from mailer.contacts import Contact
from mailer.foundation.addresses import mask_address
from mailer.foundation.database import unit_of_work
from mailer.organisations import get_organisation_by_id
from mailer.web.public.letterhead import letterhead


def mailed(token: str, mail_link: Callable[[Contact], bool], template: str) -> str:
    """Mail the link; the answer is the same whether one goes out or not (S-003)."""
    with unit_of_work():
        contact = subscriptions.read_preferences_token(token)
        mail_link(contact)
        organisation = get_organisation_by_id(contact.organisation_id)
        masked = mask_address(contact.address or "")
    return render_template(template, token=token, masked_address=masked, **letterhead(organisation))
