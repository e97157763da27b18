"""What the clock, the workers and visitors ask of the database costs what it touches, not what is stored."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from mailer import rights, subscriptions
from mailer.contacts import Contact
from mailer.erasures import AskedBy
from mailer.forms import Form
from mailer.foundation.database import db, unit_of_work
from mailer.jobs import upkeep
from mailer.jobs.delivery import drain
from mailer.jobs.log_keeping import LogKeeper
from mailer.jobs.runner import Shift
from mailer.jobs.schedule import CHORES
from mailer.jobs.transactional import send_due
from mailer.signup import SignupRequest
from tests.jobs.conftest import RealParts
from tests.support.factories import link_in, mails_for, make_form
from tests.support.filling_in import answer, shown
from tests.support.make_audience import contact_of
from tests.support.query_plans import read_whole, recorded

# Tables with a row for each person, mail, record or press of a button. The others have a row for each campaign,
# list, worker or signed tree, or hold only what waits.
GROWING = [
    "audit_entries",
    "clicks",
    "consent_payloads",
    "consent_records",
    "consent_subjects",
    "contacts",
    "deliveries",
    "erasures",
    "evidence_blobs",
    "import_rows",
    "log_entries",
    "log_tiles",
    "mail_domains",
    "signup_choices",
    "signup_requests",
    "subscriptions",
    "suppression_entries",
    "transactional_messages",
]
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def sign_up(client: FlaskClient, form: Form) -> None:
    """From the form to the press of the button."""
    given = answer(form, shown(client, form), address="dora@example.org")
    assert client.post(f"/f/{form.public_id}", data=given).status_code == 303


def open_and_press(client: FlaskClient, *links: str) -> None:
    for link in links:
        assert (client.get(link).status_code, client.post(link).status_code) == (200, 200)


def use_the_footer(client: FlaskClient, preferences: str, leave: str) -> None:
    """The preference page with all it leads to, then out, by the page and by the mail program."""
    page = client.get(preferences).text
    for path in sorted(set(re.findall(r'href="(?:http://localhost)?(/[^"]+)"', page))):
        if not path.startswith("/static/"):
            assert client.get(path).status_code == 200
    for path in sorted(set(re.findall(r'action="(?:http://localhost)?(/[^"]+)"', page))):
        assert client.post(path, data={"action": "pause", "days": "30"}).status_code in (200, 303)
    assert client.post(leave, data=ONE_CLICK).status_code == 200
    assert client.post(preferences, data={"action": "leave_all"}).status_code == 303


def do_chores(service: RealParts) -> None:
    """All that the clock asks for, but for the audit of the night, which is there to read everything."""
    for chore in CHORES:
        if chore.function is not upkeep.audit:
            chore.function()
    drain(0)
    worker = Shift(service.app, "first")
    send_due()
    worker.close()
    keeper = LogKeeper(service.directory / "log", "log.example", seconds=0)
    keeper.turn(signs_now=True)
    keeper.close()


@pytest.mark.new_database
def test_nothing_that_clock_workers_or_visitors_ask_reads_a_growing_table_whole(
    service: RealParts, shift: Shift
) -> None:
    client = service.app.test_client()
    form = make_form(service.organisation, service.mailing_list)
    service.start_campaign(3)
    contact = contact_of(service.people[0])
    links = (
        subscriptions.preferences_url(contact.public_id),
        subscriptions.unsubscribe_url(
            contact.public_id, service.mailing_list.public_id, "cmp_gone"
        ),
    )
    with recorded() as asked_to_join:
        sign_up(client, form)
    (message,) = mails_for(db.session.scalars(sa.select(SignupRequest)).one())
    with recorded() as statements:
        open_and_press(client, link_in(message, "c"), link_in(message, "n"))
        use_the_footer(client, *(urlsplit(link).path for link in links))
        with unit_of_work() as session:
            rights.erase(session.get_one(Contact, contact.id), asked_by=AskedBy.PERSON, evidence={})
        do_chores(service)
    statements.seen.update(asked_to_join.seen)
    assert len(statements.seen) > 100
    assert read_whole(statements, GROWING) == []
