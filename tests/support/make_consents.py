"""A person who went the whole way: form, confirmation mail, button; and a log that has been signed."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import consent, signup, subscriptions, transactional, transparency
from mailer.consent import ConsentRecord, ConsentState, Matter
from mailer.contacts import Contact
from mailer.forms import Form
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.signing_keys import derive_key, public_key_of, sign
from mailer.lists import MailingList
from mailer.organisations import Organisation
from mailer.transparency import CheckpointText, LogCheckpoint, Signature, VerifierKey
from mailer.transport import Outcome, OutcomeKind
from tests.support.factories import link_in, mails_for, make_form, make_list, make_organisation
from tests.support.filling_in import answer, boxes, shown, the_request


@dataclass(frozen=True)
class Cleo:
    """A subscriber of the letter who left the box of the offers empty."""

    organisation: Organisation
    letter: MailingList
    offers: MailingList
    form: Form
    contact: Contact
    confirm_link: str

    def given(self) -> ConsentRecord:
        query = sa.select(ConsentRecord).where(
            ConsentRecord.state == ConsentState.GIVEN, ConsentRecord.matter == Matter.MAILING
        )
        return db.session.scalars(query.order_by(ConsentRecord.id)).all()[-1]

    def leave(self, mailing_list: MailingList) -> None:
        with unit_of_work():
            subscriptions.unsubscribe(self.contact, mailing_list, {"method": "button"})

    def join(self, mailing_list: MailingList) -> None:
        with unit_of_work():
            subscriptions.join(self.contact, mailing_list, {"method": "preference page"})


def make_cleo(client: FlaskClient, *, tracking: bool = True) -> Cleo:
    """Cleo signs up on the hosted form and presses the button in the mail."""
    organisation = make_organisation()
    letter = make_list(organisation)
    offers = make_list(organisation, name="Offers")
    form = make_form(organisation, letter, offers)
    given = answer(form, shown(client, form))
    if tracking:
        given[boxes(form)[-1]] = "yes"
    assert client.post(f"/f/{form.public_id}", data=given).status_code in (200, 303)
    request = the_request()
    message = mails_for(request)[0]
    link = link_in(message, "c")
    with unit_of_work():
        transactional.claim_due("test", 10)
        body = bytes(message.body or b"")
        taken = Outcome(
            key="t1",
            kind=OutcomeKind.ACCEPTED,
            code=250,
            enhanced="2.0.0",
            text="queued as 4711",
            relay="127.0.0.1:25",
            at=now(),
            stage="body",
            tls=False,
        )
        transactional.settle(message, taken, owner=message.owner)
        signup.keep_mail_evidence(message, body, taken)
    assert client.post(link).status_code == 200
    db.session.expire_all()
    contact = db.session.scalars(sa.select(Contact)).one()
    return Cleo(organisation, letter, offers, form, contact, link)


def sign_log() -> int:
    """Give every waiting leaf its position and sign a checkpoint over all of them; returns its size."""
    with unit_of_work():
        transparency.sequence()
        size = transparency.count_entries()
        root = transparency.root_at(size)
        seed = derive_key("a log of the tests", "log")
        origin = settings().log_origin
        key = VerifierKey(origin, 1, public_key_of(seed))
        text = str(CheckpointText(origin, size, root))
        signature = Signature(origin, key.key_id, sign(seed, text.encode()))
        note = f"{text}\n{signature.line()}"
        db.session.add(LogCheckpoint(size=size, root=root, note=note, signed_at=now()))
    return size


def erase(cleo: Cleo) -> None:
    """Destroy what proves Cleo's consents; the lines of the ledger stay."""
    with unit_of_work():
        consent.erase_subject(consent.get_subject(cleo.contact.subject_id))
