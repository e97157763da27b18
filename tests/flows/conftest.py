from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import postgres
from tests.support.running import RunningMailer, run_mailer


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningMailer]:
    """The whole service as `make run` starts it, on each database."""
    environ = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        environ["MAILER_DATABASE_URL"] = postgres.create_database(server)
    with run_mailer(tmp_path_factory.mktemp("service") / "var", **environ) as running:
        yield running
