from __future__ import annotations

from pathlib import Path

from tests.support import mail_servers, postgres
from tests.support.skips import list_refused

REPORT = """<testsuites><testsuite><testcase classname="tests.a" name="test_b">{}</testcase>
<testcase classname="tests.a" name="test_c"/></testsuite></testsuites>"""


def write_report(directory: Path, reason: str | None) -> Path:
    skipped = "" if reason is None else f'<skipped type="pytest.skip" message="{reason}"/>'
    report = directory / "report.xml"
    report.write_text(REPORT.format(skipped))
    return report


def test_a_skipped_test_is_refused(tmp_path: Path) -> None:
    report = write_report(tmp_path, "no time")
    assert list_refused(report, has_postgres=False) == ["tests.a::test_b: no time"]


def test_a_run_without_skipped_tests_is_taken(tmp_path: Path) -> None:
    assert list_refused(write_report(tmp_path, None), has_postgres=True) == []


def test_postgres_may_be_missing_only_where_it_cannot_be(tmp_path: Path) -> None:
    report = write_report(tmp_path, postgres.MISSING)
    assert list_refused(report, has_postgres=False) == []
    assert len(list_refused(report, has_postgres=True)) == 1


def test_mail_servers_may_be_missing_only_where_they_cannot_be(tmp_path: Path) -> None:
    report = write_report(tmp_path, mail_servers.MISSING)
    assert list_refused(report, has_postgres=True, has_mail_servers=False) == []
    assert len(list_refused(report, has_postgres=False, has_mail_servers=True)) == 1
