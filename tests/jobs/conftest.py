"""A service whose parts are real: database, relay, workers, and Redis where a test starts one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask

from mailer.app import create_app
from mailer.campaigns import Campaign
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from mailer.jobs.runner import Shift
from mailer.lists import MailingList
from mailer.organisations import Organisation
from tests.conftest import environ_for
from tests.support.factories import make_list, make_organisation
from tests.support.make_audience import make_people
from tests.support.make_campaigns import make_started
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.worker_process import WorkerProcess


@dataclass
class RealParts:
    """What a test of sending needs; `worker` starts a process of it."""

    app: Flask
    environ: dict[str, str]
    smtp: ScriptedSmtp
    organisation: Organisation
    mailing_list: MailingList
    directory: Path
    people: list[str] = field(default_factory=list)  # the addresses of the last campaign's audience

    def start_campaign(self, people: int) -> Campaign:
        """A campaign that is being sent to `people` who confirmed the list."""
        self.people = make_people(self.mailing_list, people)
        return make_started(self.organisation, self.mailing_list)

    def worker(self, *arguments: str) -> WorkerProcess:
        return WorkerProcess(self.environ, *arguments, log=self.directory / "worker.log")

    @property
    def said(self) -> str:
        """What the workers logged."""
        return (self.directory / "worker.log").read_text()

    @property
    def received(self) -> list[str]:
        """The recipients of every body that arrived, in order."""
        return [one.rcpt_to for one in list(self.smtp.received)]


@pytest.fixture
def smtp() -> Iterator[ScriptedSmtp]:
    with ScriptedSmtp() as server:
        yield server


@pytest.fixture
def more_settings() -> dict[str, str]:
    """Settings of the service besides the usual ones; for a file of tests to replace."""
    return {}


@pytest.fixture
def service(
    tmp_path: Path, database_url: str, smtp: ScriptedSmtp, more_settings: dict[str, str]
) -> Iterator[RealParts]:
    environ = environ_for(
        tmp_path,
        MAILER_DATABASE_URL=database_url,
        MAILER_SMTP_PORT=str(smtp.port),
        MAILER_SMTP_CONNECTIONS="4",
        **more_settings,
    )
    app = create_app(Settings.from_environment(environ))
    with app.app_context():
        organisation = make_organisation()
        mailing_list = make_list(organisation)
        yield RealParts(app, environ, smtp, organisation, mailing_list, tmp_path)
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def shift(service: RealParts) -> Iterator[Shift]:
    """This process as a campaign worker."""
    shift = Shift(service.app, "bulk")
    yield shift
    shift.close()
