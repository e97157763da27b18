"""Sending a campaign: from rows to a receiver, through a worker process as it is deployed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from rq import Queue, Worker

from bench import machine, sink
from bench.figures import Sheet
from bench.places import ROOT, Ground, Place, application, environ_for, free_port, python
from mailer import campaigns, delivery
from mailer.campaigns import Campaign, CampaignDraft, CampaignState
from mailer.delivery import DeliveryState
from mailer.devkit import EmbeddedRedis, accepts_connections
from mailer.foundation import queue
from mailer.foundation.database import db, unit_of_work
from mailer.jobs import waking
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_sender_by_id
from mailer.rendering import BodyFormat
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import make_people
from tests.support.make_campaigns import counts_of, fresh
from tests.support.waiting import wait_for

HTML_BYTES = 10_000
CONNECTIONS = 8  # what a worker has unless it is told otherwise
MAIL_BYTES = 20_000  # what such a mail has on the wire, about
PATIENCE_SECONDS = 90.0
ROUND_SECONDS = 35.0  # no further round is begun after these

_PARAGRAPH = (
    "<p>The shelves by the window are new, and so is almost everything on them. "
    '<a href="https://harbourbooks.example/books/{number}">Number {number}</a> is a walk along the '
    "coast that turns into a family history; we could not stop talking about it.</p>\n"
)
_NAME = "{{ contact.first_name | default('reader') }}"


def body() -> str:
    """An HTML body of 10 KB: a link in every paragraph, the person's name at the top and at the end."""
    text = f"<h1>Hello {_NAME}</h1>\n"
    number = 0
    while len(text) < HTML_BYTES:
        number += 1
        text += _PARAGRAPH.replace("{number}", str(number))
    return f"{text}<p>See you on Thursday, {_NAME}!</p>\n"


def make_started(organisation: Organisation, mailing_list: MailingList) -> Campaign:
    """A campaign that is being sent to a list, nobody planned yet."""
    with unit_of_work():
        campaign = campaigns.create_campaign(organisation, None, "Autumn")
        draft = CampaignDraft(
            name="Autumn",
            subject="Books for {{ contact.first_name | default('you') }}",
            preheader="New this week",
            body_format=BodyFormat.HTML,
            body=body(),
            sender=get_sender_by_id(mailing_list.sender_id),
            lists=(mailing_list,),
        )
        campaigns.change_campaign(campaign, draft, campaign.revision)
        campaigns.start(campaign)
    return campaign


def plan_all(campaign: Campaign) -> None:
    """Plan everybody, slice by slice, each slice kept before the next begins, as a worker does."""
    has_more = True
    while has_more:
        with unit_of_work():
            has_more = delivery.plan(campaign.id)


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add what sending costs to `sheet`, beside the limit of the receiver."""
    postfix = shutil.which("smtp-source"), shutil.which("smtp-sink")
    with _templates(ground) as templates, ground.sink() as port:
        for _ in ground.rounds(ROUND_SECONDS):
            for place in ground.places:
                _send(ground, sheet, place, templates[place.name], port)
            if all(postfix):
                _send_to_postfix(ground, sheet, templates)
    sheet.close_group()
    sheet.notes.append(
        f"sending: {ground.sizes.recipients} planned people, {HTML_BYTES // 1000} KB of HTML with a text "
        f"part, one worker, {CONNECTIONS} connections; the receiver is a process on the same cores."
    )
    sheet.notes.append(
        "sending: processor time is the worker's alone, without PostgreSQL and the receiver; the ratio "
        "is to a sender without rows, journal or names that was measured right after it."
    )
    if not all(postfix):
        sheet.notes.append(
            "sending: smtp-source and smtp-sink (Postfix) are not here to compare with."
        )


@contextmanager
def _templates(ground: Ground) -> Iterator[dict[str, str]]:
    """A database with a planned campaign for each place, by its name."""

    def fill() -> None:
        organisation = make_organisation()
        mailing_list = make_list(organisation)
        make_people(mailing_list, ground.sizes.recipients)
        plan_all(make_started(organisation, mailing_list))

    with ExitStack() as undo:
        yield {
            place.name: undo.enter_context(ground.template(place, fill)) for place in ground.places
        }


def _send(ground: Ground, sheet: Sheet, place: Place, template: str, port: int) -> None:
    sink.ask(port)
    name = f"sending, {place.name}"
    took, cpu, memory = _drain(ground, place, template, port)
    count = sink.ask(port)
    wanted = ground.sizes.recipients
    if count.mails != wanted:
        raise RuntimeError(f"{count.mails} of {wanted} mails arrived")
    sheet.add(f"{name}: on the wire", "mails/s", count.rate)
    sheet.add(f"{name}: from waking to settled", "mails/s", wanted / took)
    if cpu is not None:
        sheet.add(f"{name}: worker", "CPU µs/mail", cpu / wanted * 1e6)
    if memory is not None:
        sheet.add(f"{name}: worker, peak", "MB", memory)
    sheet.add(f"{name}: receiver", "CPU µs/mail", count.cpu_seconds / wanted * 1e6)
    bare = _bare(port, ground.sizes.recipients, count.octets // wanted)
    sheet.add("sending: bare sender to the same receiver", "mails/s", bare)
    sheet.add(f"{name}: ratio to the bare sender", "×", count.rate / bare)


def _drain(
    ground: Ground, place: Place, template: str, port: int
) -> tuple[float, float | None, float | None]:
    """Have a worker send it all; seconds until settled, its processor seconds, its peak in MB."""
    directory = ground.new_directory()
    with place.database(directory, template) as url:
        environ = environ_for(
            directory,
            MAILER_DATABASE_URL=url,
            MAILER_SMTP_PORT=str(port),
            MAILER_SMTP_CONNECTIONS=str(CONNECTIONS),
        )
        log = directory / "worker.log"
        words = python("worker.py", "--queue", queue.BULK)
        with (
            EmbeddedRedis(directory / "redis"),
            ground.program(*words, environ=environ, log=log) as worker,
            application(environ),
        ):
            bulk = Queue(queue.BULK, connection=queue.connection())
            wait_for(lambda: Worker.count(queue=bulk), timeout=PATIENCE_SECONDS)
            before = machine.cpu_seconds(worker.pid)
            began = time.time()
            waking.wake_drains()
            campaign = _await_sent(ground)
            after, memory = machine.cpu_seconds(worker.pid), machine.peak_megabytes(worker.pid)
            assert campaign.finished_at is not None
            cpu = None if before is None or after is None else after - before
            return campaign.finished_at.timestamp() - began, cpu, memory


def _await_sent(ground: Ground) -> Campaign:
    campaign = db.session.scalars(sa.select(Campaign)).one()

    def is_sent() -> bool:
        time.sleep(0.05)  # every look costs the worker a little
        return fresh(campaign).state is CampaignState.SENT

    wait_for(is_sent, timeout=PATIENCE_SECONDS)
    if counts_of(campaign) != {DeliveryState.ACCEPTED: ground.sizes.recipients}:
        raise RuntimeError(f"not everything was accepted: {counts_of(campaign)}")
    return fresh(campaign)


def _bare(port: int, mails: int, octets: int) -> float:
    """Mails a second of the bare sender."""
    numbers = map(str, (port, mails, octets, CONNECTIONS))
    subprocess.run(python("-m", "bench.bare_sender", *numbers), cwd=ROOT, check=True, timeout=60)
    return sink.ask(port).rate


def _send_to_postfix(ground: Ground, sheet: Sheet, templates: dict[str, str]) -> None:
    """The same worker into smtp-sink, and smtp-source into smtp-sink."""
    port, wanted = free_port(), ground.sizes.recipients
    receiver = ["smtp-sink", f"127.0.0.1:{port}", "128"]
    if os.getuid() == 0:
        receiver[1:1] = ["-u", "nobody"]
    place = ground.places[0]
    with ground.program(*receiver, environ={}, log=subprocess.DEVNULL):
        wait_for(accepts_connections("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        took, _, _ = _drain(ground, place, templates[place.name], port)
        began = time.monotonic()
        words = f"smtp-source -d -s {CONNECTIONS} -m {wanted} -l {MAIL_BYTES} 127.0.0.1:{port}"
        subprocess.run(words.split(), check=True, timeout=60)
        rate = wanted / (time.monotonic() - began)
    sheet.add(f"sending, {place.name}: to smtp-sink, to settled", "mails/s", wanted / took)
    sheet.add("sending: smtp-source to smtp-sink", "mails/s", rate)
    sheet.add(f"sending, {place.name}: ratio to smtp-source", "×", wanted / took / rate)
