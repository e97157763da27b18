"""Makers of what most tests need, through the same verbs everybody uses; keyword-only, minimal."""

from __future__ import annotations

import re

import sqlalchemy as sa

from mailer import forms, lists, organisations, signup
from mailer.consent import Matter
from mailer.forms import Form, FormDraft, FormVersion
from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.tokens import Purpose, sign_timed
from mailer.lists import ListDraft, MailingList, PurposeDraft
from mailer.organisations import Identity, Organisation
from mailer.signup import Control, SignupRequest, Submission
from mailer.transactional import TransactionalMessage

ADA = Identity(
    name="Harbour Books",
    legal_name="Harbour Books Ltd",
    street="12 Custom House Quay",
    postcode="D01 KF84",
    city="Dublin",
    country="IE",
    contact_email="hello@harbourbooks.example",
    authority_name="Data Protection Commission",
    recipients="Mail Relay Ltd carries our mail.",
    transfers="None.",
)
DORA = Identity(
    name="Dora's Plants",
    legal_name="Dora Plants GmbH",
    street="Gartenweg 3",
    postcode="10115",
    city="Berlin",
    country="DE",
    contact_email="dora@plants.example",
    authority_name="Berliner Beauftragte für Datenschutz",
    recipients="Nobody.",
    transfers="None.",
)


def make_organisation(identity: Identity = ADA) -> Organisation:
    with unit_of_work():
        organisation = organisations.create_organisation(identity.name)
        organisations.change_organisation(organisation, identity)
    return organisation


def make_list(organisation: Organisation, *, name: str = "Monthly letter") -> MailingList:
    with unit_of_work():
        address = f"letters@{organisation.contact_email.split('@')[1]}"
        if organisations.why_not_from(organisation.id, address):  # a namesake of theirs has it
            address = f"letters@{organisation.public_id.replace('_', '-').lower()}.example"
        sender = organisations.create_sender(organisation, organisation.name, address)
        purpose = lists.create_purpose(
            organisation, PurposeDraft(name="News", sentence="We tell you about new books.")
        )
        draft = ListDraft(name=name, frequency="once a month", purpose=purpose, sender=sender)
        return lists.create_list(organisation, draft)


def make_form(organisation: Organisation, *mailing_lists: MailingList) -> Form:
    """A published form with a box for each list and one for tracking."""
    with unit_of_work():
        definition = forms.definition_for(organisation, mailing_lists, asks_tracking=True)
        form = forms.create_form(organisation, FormDraft(name="Website", definition=definition))
        forms.publish(form)
    return form


def newest_version(form: Form) -> FormVersion:
    version = forms.find_newest_version(form)
    assert version is not None
    return version


def submission(
    organisation: Organisation,
    form: Form,
    *ticked: MailingList,
    unticked: tuple[MailingList, ...] = (),
    address: str = "cleo@example.org",
    tracking: bool = False,
) -> Submission:
    boxes = [(mailing_list, True) for mailing_list in ticked]
    boxes += [(mailing_list, False) for mailing_list in unticked]
    controls = [
        Control(
            matter=Matter.MAILING,
            mailing_list_id=mailing_list.id,
            label=f"Yes, send me {mailing_list.name}",
            is_ticked=is_ticked,
        )
        for mailing_list, is_ticked in boxes
    ]
    controls.append(
        Control(matter=Matter.TRACKING, mailing_list_id=None, label="Measure", is_ticked=tracking)
    )
    return Submission(
        organisation=organisation,
        version=newest_version(form),
        address=parse_address(address),
        language="en",
        controls=tuple(controls),
        evidence={"form_url": "https://shop.example/", "ip": "192.0.2.77", "embed": "hosted"},
        first_name="Cleo",
    )


def make_request(submitted: Submission) -> SignupRequest:
    with unit_of_work():
        public_id = signup.request(submitted)
        query = sa.select(SignupRequest).where(SignupRequest.public_id == public_id)
        return db.session.scalars(query).one()


def mails_for(request: SignupRequest) -> list[TransactionalMessage]:
    return list(
        db.session.scalars(
            sa.select(TransactionalMessage).where(
                TransactionalMessage.reference == request.public_id
            )
        )
    )


def fresh_path(reference: str) -> str:
    """The path of a fresh link, as it is mailed; takes the public id of a contact or of a block."""
    return f"/m/{sign_timed(Purpose.CHANGE, reference)}"


def link_in(message: TransactionalMessage, kind: str) -> str:
    """The path of the link of `kind` ("c" to confirm, "n" for not me) in a service mail."""
    text = (message.body or b"").decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(rf"http://[^/\s]+(/{kind}/[\w.~-]+)", text)
    assert found is not None, text
    return found.group(1)
