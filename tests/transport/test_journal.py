from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.transport import Journal, JournalFailed, Outcome, OutcomeKind, abandoned

OUTCOME = Outcome(
    key="d1",
    kind=OutcomeKind.ACCEPTED,
    code=250,
    enhanced="2.0.0",
    text="2.0.0 taken as 42",
    relay="mx.test:25",
    at=datetime(2026, 11, 23, 10, 2, 11, 42, tzinfo=UTC),
    stage="body",
    tls=True,
)


def outcome(key: str) -> Outcome:
    return replace(OUTCOME, key=key)


def lines(directory: Path) -> list[str]:
    return (directory / "w.journal").read_text().splitlines()


def leave(directory: Path, content: bytes) -> None:
    """What a process that died left behind."""
    directory.mkdir(exist_ok=True)
    (directory / "w.journal").write_bytes(content)


def written(directory: Path, *events: str | Outcome) -> bytes:
    """The octets of a journal after `events`: a key was sent, an outcome answered."""
    journal = Journal.open(directory, "scratch")
    for event in events:
        if isinstance(event, str):
            journal.sent(event)
        else:
            journal.answered(event.key, event)
    content = (directory / "scratch.journal").read_bytes()
    journal.clear()
    journal.close()
    (directory / "scratch.journal").unlink(missing_ok=True)
    return content


@contextmanager
def file_size_limit(octets: int) -> Iterator[None]:
    """Makes writes beyond `octets` fail, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_dead_owners_journal_tells_what_was_answered_and_what_is_at_risk(tmp_path: Path) -> None:
    leave(tmp_path, written(tmp_path, "d1", "d2", OUTCOME))
    (found,) = abandoned(tmp_path)
    assert (found.owner, found.answered, found.at_risk) == ("w", {"d1": OUTCOME}, {"d2"})
    found.remove()
    assert list(abandoned(tmp_path)) == []


def test_an_outcome_without_codes_and_with_odd_text_survives(tmp_path: Path) -> None:
    odd = replace(OUTCOME, code=None, enhanced=None, text="a\tb\nc\udcff é", tls=False)
    leave(tmp_path, written(tmp_path, odd))
    (found,) = abandoned(tmp_path)
    assert found.answered == {"d1": replace(odd, text="a b c  é")}
    found.remove()


@pytest.mark.requirement("E-093")
def test_a_torn_last_line_is_no_line(tmp_path: Path) -> None:
    whole = written(tmp_path, "d1", OUTCOME, "d2", outcome("d2"), "d3")
    answered_at = whole.index(b"D\td2")
    for end in range(answered_at, whole.index(b"S\td3")):
        leave(tmp_path, whole[:end])
        (found,) = abandoned(tmp_path)
        assert (set(found.answered), found.at_risk) == ({"d1"}, {"d2"})
        found.remove()
    leave(tmp_path, whole[:-1])
    (found,) = abandoned(tmp_path)
    assert (set(found.answered), found.at_risk) == ({"d1", "d2"}, set())
    found.remove()


def test_a_mail_sent_a_second_time_is_at_risk_again(tmp_path: Path) -> None:
    leave(tmp_path, written(tmp_path, "d1", OUTCOME, "d1"))
    (found,) = abandoned(tmp_path)
    assert (found.answered, found.at_risk) == ({}, {"d1"})
    found.remove()


def test_a_living_owners_journal_is_not_abandoned(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w")
    journal.sent("d1")
    assert list(abandoned(tmp_path)) == []
    with pytest.raises(JournalFailed, match="held by another"):
        Journal.open(tmp_path, "w")
    journal.close()
    (found,) = abandoned(tmp_path)
    assert found.at_risk == {"d1"}
    found.remove()


def test_a_killed_owner_leaves_its_lock(tmp_path: Path) -> None:
    ready, say = os.pipe()
    child = os.fork()
    if child == 0:
        Journal.open(tmp_path, "w").sent("d1")
        os.write(say, b".")
        signal.pause()
        os._exit(1)
    os.read(ready, 1)
    assert list(abandoned(tmp_path)) == []
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (found,) = abandoned(tmp_path)
    assert found.at_risk == {"d1"}
    found.remove()
    os.close(ready)
    os.close(say)


def test_nobody_else_gets_an_abandoned_journal_until_it_is_released(tmp_path: Path) -> None:
    leave(tmp_path, b"S\td1\n")
    (found,) = abandoned(tmp_path)
    assert list(abandoned(tmp_path)) == []
    with pytest.raises(JournalFailed):
        Journal.open(tmp_path, "w")
    with found:
        pass
    (again,) = abandoned(tmp_path)
    assert again.at_risk == {"d1"}
    again.remove()


def test_an_unsettled_journal_is_not_written_over(tmp_path: Path) -> None:
    leave(tmp_path, b"S\td1\n")
    with pytest.raises(JournalFailed, match="not settled"):
        Journal.open(tmp_path, "w")
    assert lines(tmp_path) == ["S\td1"]


def test_clearing_forgets_the_answered_and_keeps_what_is_at_risk(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w")
    journal.sent("d1")
    journal.sent("d2")
    journal.answered("d1", OUTCOME)
    journal.clear()
    assert lines(tmp_path) == ["S\td2"]
    assert list(abandoned(tmp_path)) == []
    journal.answered("d2", outcome("d2"))
    journal.clear()
    assert lines(tmp_path) == []
    journal.sent("d3")
    assert lines(tmp_path) == ["S\td3"]
    journal.close()


@pytest.mark.requirement("E-093")
def test_clearing_up_to_a_mark_keeps_what_was_noted_after_it(tmp_path: Path) -> None:
    """What was answered while a page was being written is settled by the next one only."""
    journal = Journal.open(tmp_path, "w")
    for key in ("d1", "d2"):
        journal.sent(key)
    journal.answered("d1", OUTCOME)
    mark = journal.mark()
    journal.answered("d2", outcome("d2"))
    journal.sent("d3")
    journal.clear(mark)
    kept = (tmp_path / "w.journal").read_bytes()
    leave(tmp_path / "dead", kept)
    (found,) = abandoned(tmp_path / "dead")
    assert (found.answered, found.at_risk) == ({"d2": outcome("d2")}, {"d3"})
    found.release()
    journal.answered("d3", outcome("d3"))
    journal.clear()
    assert lines(tmp_path) == []
    journal.close()


def test_a_mark_from_before_the_last_clearing_is_refused(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w")
    journal.sent("d1")
    mark = journal.mark()
    journal.answered("d1", OUTCOME)
    journal.clear()
    journal.sent("d2")
    with pytest.raises(ValueError, match="forgotten already"):
        journal.clear(mark)
    assert lines(tmp_path) == ["S\td2"]
    journal.close()


def test_half_a_line_is_not_kept_by_clearing_up_to_a_mark(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w")
    journal.sent("d1")
    mark = journal.mark()
    journal.sent("d2")
    with file_size_limit(len(b"S\td1\nS\td2\n") + 2), pytest.raises(JournalFailed, match="full"):
        journal.answered("d1", OUTCOME)
    journal.clear(mark)
    assert lines(tmp_path) == ["S\td1", "S\td2"]
    journal.close()


def test_closing_an_empty_journal_removes_it(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w")
    journal.close()
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_replaced_while_it_was_being_locked_is_not_taken(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w")
    journal.sent("d1")
    ended = threading.Event()

    def clear_often() -> None:
        for _ in range(1500):
            journal.clear()
        ended.set()

    clearing = threading.Thread(target=clear_often)
    clearing.start()
    taken = [found for _ in iter(ended.is_set, True) for found in abandoned(tmp_path)]
    clearing.join()
    assert taken == []
    assert lines(tmp_path) == ["S\td1"]
    journal.close()


def test_a_full_disk_fails_and_leaves_no_half_line(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w")
    journal.sent("d1")
    size = (tmp_path / "w.journal").stat().st_size
    with file_size_limit(size + 2), pytest.raises(JournalFailed, match="full"):
        journal.sent("d2")
    with file_size_limit(size), pytest.raises(JournalFailed):
        journal.sent("d3")
    assert lines(tmp_path) == ["S\td1"]
    journal.sent("d4")
    assert lines(tmp_path) == ["S\td1", "S\td4"]
    journal.close()


@pytest.mark.parametrize("owner", ["", "../x", "a/b", ".hidden", "a\0b"])
def test_an_owner_cannot_leave_the_directory(tmp_path: Path, owner: str) -> None:
    with pytest.raises(JournalFailed):
        Journal.open(tmp_path, owner)


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalFailed, match="cannot be opened"):
        Journal.open(tmp_path / "missing", "w")
