"""What every test of the transport needs: a journal, mails, and one call of `deliver`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mailer import transport
from mailer.transport import Envelope, Journal, Outcome, OutcomeKind, Relay, Timeouts
from tests.support.certificates import Certificate, make_certificate

QUICK = Timeouts(
    connect=2,
    tls=2,
    greeting=2,
    command=2,
    mail=2,
    rcpt=2,
    data=2,
    block=2,
    dot=2,
    quit=1,
    reconnect=0.01,
    reconnect_most=0.05,
)
BODY = b"Subject: hello\r\n\r\nA line.\r\n"


def envelope(number: int, *, body: bytes = BODY) -> Envelope:
    return Envelope(
        key=f"d{number}", mail_from="bounce@ours.test", rcpt_to=f"r{number}@x.test", body=body
    )


def envelopes(count: int, *, body: bytes = BODY) -> Iterator[Envelope]:
    return (envelope(number, body=body) for number in range(count))


def relay_at(port: int, **changes: object) -> Relay:
    relay = Relay(
        host="127.0.0.1",
        port=port,
        security="none",
        username=None,
        password=None,
        helo_name="us.test",
        timeouts=QUICK,
    )
    return replace(relay, **changes)  # type: ignore[arg-type]  # a test names the fields


@dataclass
class Run:
    """Calls `deliver` and remembers every outcome."""

    journal: Journal
    outcomes: list[Outcome] = field(default_factory=list)
    pulled: int = 0

    def __call__(
        self,
        mails: Iterator[Envelope | None],
        relay: Relay,
        *,
        connections: int = 1,
        allow: Callable[[str], bool] = lambda _: True,
        poll: Callable[[], bool] = lambda: True,
    ) -> dict[str, Outcome]:
        transport.deliver(
            self._counted(mails),
            relay,
            connections=connections,
            journal=self.journal,
            allow=allow,
            poll=poll,
            on_outcome=self.outcomes.append,
        )
        return self.by_key

    def _counted(self, mails: Iterator[Envelope | None]) -> Iterator[Envelope | None]:
        for mail in mails:
            self.pulled += mail is not None
            yield mail

    @property
    def by_key(self) -> dict[str, Outcome]:
        keys = [outcome.key for outcome in self.outcomes]
        assert len(set(keys)) == len(keys), "a mail got two outcomes"
        assert len(keys) == self.pulled, "a mail that was pulled got no outcome"
        return {outcome.key: outcome for outcome in self.outcomes}

    def kinds(self) -> list[OutcomeKind]:
        """The kinds in the order of the keys."""
        return [outcome.kind for _, outcome in sorted(self.by_key.items())]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path, "worker-1")
    yield journal
    journal.close()


@pytest.fixture
def run(journal: Journal) -> Run:
    return Run(journal)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))
