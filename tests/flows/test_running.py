"""The whole service under `run`: what dies comes back, what was begun is finished, nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from playwright.sync_api import Page

from mailer import campaigns
from mailer.campaigns import Campaign, CampaignDraft, CampaignState
from mailer.delivery import Delivery, DeliveryState
from mailer.devkit import EmbeddedRedis
from mailer.foundation.database import db, unit_of_work
from mailer.lists import MailingList
from mailer.organisations import get_organisation_by_id, get_sender_by_id
from tests.support.make_audience import make_people
from tests.support.running import ROOT, RunningMailer, inside, links_of, run_mailer
from tests.support.stories import confirm, new_address, sign_up
from tests.support.waiting import wait_for

PEOPLE = 1500


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[RunningMailer]:
    """A service that a test may maltreat."""
    with run_mailer(tmp_path / "var") as running:
        yield running


def start_campaign(*, people: int) -> int:
    """Send a campaign to so many new people on the first list; its row id."""
    mailing_list = db.session.scalars(sa.select(MailingList).order_by(MailingList.id)).first()
    assert mailing_list is not None
    make_people(mailing_list, people)
    organisation = get_organisation_by_id(mailing_list.organisation_id)
    with unit_of_work():
        campaign = campaigns.create_campaign(organisation, None, "To everybody")
        draft = CampaignDraft(
            name="To everybody",
            subject="The autumn books",
            body="They are here.",
            sender=get_sender_by_id(mailing_list.sender_id),
            lists=(mailing_list,),
        )
        campaigns.change_campaign(campaign, draft, campaign.revision)
        campaigns.start(campaign)
    return campaign.id


def states(campaign_id: int) -> Counter[DeliveryState]:
    db.session.rollback()
    rows = db.session.execute(
        sa.select(Delivery.state, sa.func.count())
        .where(Delivery.campaign_id == campaign_id)
        .group_by(Delivery.state)
    )
    counted: Counter[DeliveryState] = Counter()
    for state, count in rows:
        counted[state] = count
    return counted


def is_sent(campaign_id: int) -> bool:
    db.session.rollback()
    return db.session.get_one(Campaign, campaign_id).state is CampaignState.SENT


def recipients(service: RunningMailer) -> Counter[str]:
    """How many mails of the campaign each address has got, counted at the receiver."""
    envelopes = [
        json.loads(path.read_bytes().partition(b"\n")[0])
        for path in (service.data / "mail").glob("*.mail")
    ]
    return Counter(
        envelope["recipients"][0]
        for envelope in envelopes
        if envelope["subject"] == "The autumn books"
    )


@pytest.mark.requirement("E-093")
@pytest.mark.parametrize("part", ["bulk", "redis", "clock", "gunicorn"])
def test_a_campaign_survives_the_death_of_any_part(own_service: RunningMailer, part: str) -> None:
    word = {
        "bulk": "--queue bulk",
        "redis": "redis.sock",
        "clock": "--clock",
        "gunicorn": "wsgi:app",
    }
    with inside(own_service):
        campaign_id = start_campaign(people=PEOPLE)
        wait_for(lambda: states(campaign_id)[DeliveryState.ACCEPTED] > 50, timeout=30)
        victims = own_service.pids(word[part])
        assert victims
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: is_sent(campaign_id), timeout=90)
        counted = states(campaign_id)
        uncertain = counted[DeliveryState.UNCERTAIN]
        assert counted[DeliveryState.ACCEPTED] + uncertain == PEOPLE
        # At most one mail a connection may have been on the wire.
        assert uncertain <= (8 if part == "bulk" else 0)
    got = recipients(own_service)
    assert set(got.values()) == {1}
    assert counted[DeliveryState.ACCEPTED] <= len(got) <= PEOPLE
    wait_for(lambda: own_service.pids(word[part]))


@pytest.mark.requirement("E-093")
def test_redis_emptied_in_mid_campaign_loses_nobody(own_service: RunningMailer) -> None:
    with inside(own_service):
        campaign_id = start_campaign(people=PEOPLE)
        wait_for(lambda: states(campaign_id)[DeliveryState.ACCEPTED] > 50, timeout=30)
        client = redis.Redis(unix_socket_path=str(own_service.data / "redis" / "redis.sock"))
        client.flushall()
        client.close()
        for pid in own_service.pids("redis.sock"):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: is_sent(campaign_id), timeout=90)
        assert states(campaign_id) == {DeliveryState.ACCEPTED: PEOPLE}
    got = recipients(own_service)
    assert (len(got), set(got.values())) == (PEOPLE, {1})


def test_data_survive_a_restart_and_nothing_is_left_running(tmp_path: Path, page: Page) -> None:
    data = tmp_path / "var"
    address = new_address()
    with run_mailer(data) as first:
        sign_up(first, page, "plain", address)
        confirm(first, page, address)
        pids = first.pids()
        assert len(pids) >= 8
        password = first.password
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not (data / "redis" / "redis.sock").exists()
    with run_mailer(data) as second:
        assert second.password == password
        assert len(second.mails(address)) == 1
        with inside(second):
            count = db.session.scalar(sa.text("SELECT count(*) FROM contacts"))
        assert count == 1


def test_a_redis_of_ones_own_is_used_instead_of_the_embedded_one(
    tmp_path: Path, redis_server: EmbeddedRedis, page: Page
) -> None:
    address = new_address()
    with run_mailer(tmp_path / "var", MAILER_REDIS_URL=redis_server.url) as running:
        sign_up(running, page, "plain", address)
        running.await_mails(address)
        assert running.pids(str(running.data), "redis.sock") == []


def run_briefly(data: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
    return subprocess.run(
        [sys.executable, "-m", "mailer", "run", "--data", str(data)],
        cwd=ROOT,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_briefly(tmp_path / "var", MAILER_WEB_PORT=str(port))
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert str(port) in line
    assert "MAILER_WEB_PORT" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILER_SMTP_CONNECTIONS", "many"),
        ("MAILER_PUBLIC_URL", "example.org"),
        ("MAILER_NONSENSE", "1"),
        ("MAILER_ENVIRONMENT", "production"),
        ("MAILER_WEB_PORT", "http"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    tmp_path: Path, name: str, value: str
) -> None:
    done = run_briefly(tmp_path / "var", **{name: value})
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_while_the_database_is_locked_a_visitor_is_told_and_nothing_is_lost(
    own_service: RunningMailer, page: Page
) -> None:
    address = new_address()
    sign_up(own_service, page, "plain", address)
    link = own_service.await_mails(address)[0]
    with (
        inside(own_service),
        db.engine.connect().execution_options(write=True) as holder,
        holder.begin(),
    ):
        request = urllib.request.Request(links_of(link, "c"), data=b"", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        assert refused.value.code == 503
        refused.value.close()
    confirm(own_service, page, address)
