"""The witness as a process: starting, many at once, dying at the worst moment, people who mean harm."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.little_log import LittleLog, request
from tests.support.witnesses import NAME, RunningWitness, run_witness

pytestmark = pytest.mark.requirement("T-030")

# Its clock is asked after the checkpoint was written down and before it is cosigned.
DIES_BEFORE_ANSWERING = """
import os, signal, sys
from pathlib import Path
from mailer.witness.cosigner import Cosigner
from mailer.witness.keys import LogKey, own_key
from mailer.witness.memory import Memory
directory = Path(sys.argv[1])
memory = Memory(directory)
key = own_key(directory / "key", "witness.example.net/w1")
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
Cosigner(key, [LogKey.from_vkey(sys.argv[2])], memory, die).add_checkpoint(sys.stdin.buffer.read())
"""


@pytest.fixture
def log() -> LittleLog:
    log = LittleLog()
    log.grow(7)
    return log


def start_in_vain(directory: Path, *arguments: str) -> str:
    """What a witness says that does not start."""
    command = [sys.executable, "-m", "mailer.witness", "--directory", str(directory), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done
    return done.stderr


def exchange(witness: RunningWitness, sent: bytes) -> bytes:
    """What comes back for raw bytes, until the other side closes."""
    with socket.create_connection((witness.host, witness.port), timeout=15) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(4096):
            received += part
        return received


def test_the_key_and_what_was_seen_survive_a_restart(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path / "w", log.vkey) as first:
        assert first.post(log.request(0)).status == 200
        assert f"witness {NAME} {first.vkey}" in first.said
        assert f"{first.vkey} https" in first.said
    with run_witness(tmp_path / "w", log.vkey, name=None) as second:
        assert second.vkey == first.vkey
        assert second.post(log.request(0)).body == "7\n"
        assert second.post(log.request(7)).status == 200
        page = second.ask("GET", "/").body
        assert second.vkey in page
        assert f"7  {log.origin}" in page


def test_the_operators_command_starts_it_without_any_settings(
    tmp_path: Path, log: LittleLog
) -> None:
    with run_witness(tmp_path, log.vkey, program=("mailer", "witness"), name=None) as witness:
        assert witness.vkey.startswith(f"{socket.gethostname()}/witness+")
        assert witness.post(log.request(0)).status == 200


def test_it_listens_on_the_newer_kind_of_address_too(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path, log.vkey, listen="[::1]:0") as witness:
        assert witness.host == "::1"
        assert witness.post(log.request(0)).status == 200


def test_alone_it_needs_nothing_of_the_service_but_words_for_errors() -> None:
    shown = "import sys, mailer.witness.__main__; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", shown], capture_output=True, text=True, timeout=30, check=True
    )
    loaded = done.stdout.split()
    ours = {name for name in loaded if name.startswith("mailer.") and "witness" not in name}
    assert ours == {"mailer.foundation", "mailer.foundation.errors"}
    foreign = {"flask", "sqlalchemy", "redis", "rq", "jinja2", "werkzeug"}
    assert foreign.isdisjoint(loaded)


def test_killed_before_it_answers_it_still_knows_what_it_had_decided(
    tmp_path: Path, log: LittleLog
) -> None:
    with run_witness(tmp_path, log.vkey) as witness:
        assert witness.post(log.request(0, 4)).status == 200
    done = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_ANSWERING, str(tmp_path), log.vkey],
        input=log.request(4).encode(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == -9, done
    fork = LittleLog([*log.leaves[:6], b"another leaf"], log.origin, log.key)
    with run_witness(tmp_path, log.vkey) as witness:
        assert witness.post(fork.request(4)).body == "7\n"
        assert witness.post(fork.request(7)).status == 409
        assert witness.post(log.request(4)).body == "7\n"
        assert witness.post(log.request(7)).status == 200


def test_killed_at_any_moment_it_starts_again_and_never_goes_back(
    tmp_path: Path, log: LittleLog
) -> None:
    largest = 0
    for _ in range(4):
        with run_witness(tmp_path, log.vkey) as witness, ThreadPoolExecutor(4) as people:
            known = int(witness.post(log.request(0)).body) if largest else 0
            assert known >= largest
            log.grow(5)
            asked = [people.submit(witness.post, log.request(known)) for _ in range(4)]
            if largest:
                witness.kill()
            for question in asked:
                try:
                    largest = max(largest, known + 5 if question.result().status == 200 else 0)
                except (OSError, http.client.HTTPException):
                    continue
            largest = max(largest, known)
    with run_witness(tmp_path, log.vkey) as witness:
        assert int(witness.post(log.request(0)).body) >= largest


def test_of_two_histories_sent_at_once_only_one_is_cosigned(tmp_path: Path) -> None:
    honest = LittleLog()
    honest.grow(3)
    forks = [LittleLog(honest.leaves[:], honest.origin, honest.key) for _ in range(12)]
    for number, fork in enumerate(forks):
        fork.grow(2, f"fork {number}")
    with run_witness(tmp_path, honest.vkey) as witness, ThreadPoolExecutor(12) as people:
        assert witness.post(honest.request(0)).status == 200
        answers = list(people.map(lambda fork: witness.post(fork.request(3)), forks))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 11
        winner = forks[[answer.status for answer in answers].index(200)]
        winner.grow(1)
        assert witness.post(winner.request(5)).status == 200


def test_two_signed_histories_of_one_size_are_kept_as_evidence(
    tmp_path: Path, log: LittleLog
) -> None:
    fork = LittleLog([b"another leaf", *log.leaves[1:]], log.origin, log.key)
    with run_witness(tmp_path, log.vkey) as witness:
        assert witness.post(log.request(0)).status == 200
        for _ in range(3):
            assert witness.post(request(7, [], fork.note())).status == 409
    kept = [path.read_text() for path in (tmp_path / "forks").iterdir()]
    seen = [path.read_text() for path in (tmp_path / "logs").iterdir()]
    assert (kept, seen) == ([fork.note()], [log.note()])


def test_one_directory_serves_one_witness(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path, log.vkey):
        said = start_in_vain(tmp_path, "--log", log.vkey, "--listen", "127.0.0.1:0")
    assert "Another witness already uses" in said


def test_a_witness_that_lost_its_memory_does_not_start(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path, log.vkey) as witness:
        assert witness.post(log.request(0)).status == 200
    (seen,) = (tmp_path / "logs").iterdir()
    for broken in (b"", b"\xff", seen.read_bytes()[:40], log.note().replace("7", "8", 1).encode()):
        seen.write_bytes(broken)
        if b"8" not in broken:
            said = start_in_vain(tmp_path, "--log", log.vkey, "--listen", "127.0.0.1:0")
            assert "would cosign a rewritten log" in said


def test_what_it_cannot_start_with_is_said_in_one_line(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path, log.vkey) as witness:
        cosigner = witness.vkey
    listen = ("--listen", "127.0.0.1:0")
    said = [
        start_in_vain(tmp_path, "--log", "nonsense", *listen),
        start_in_vain(tmp_path, "--log", log.vkey.replace("+", "+0", 1), *listen),
        start_in_vain(tmp_path, "--log", cosigner, *listen),
        start_in_vain(tmp_path, "--log", log.vkey, "--listen", "nowhere"),
        start_in_vain(tmp_path, "--log", log.vkey, *listen, "--name", "another.example/w"),
        start_in_vain(tmp_path / "new", "--log", log.vkey, *listen, "--name", "with space"),
    ]
    (tmp_path / "key").chmod(0o644)
    said.append(start_in_vain(tmp_path, "--log", log.vkey, *listen))
    assert [line.count("\n") for line in said] == [1] * len(said), said
    assert "chmod 600" in said[-1]
    assert all(line.startswith("witness: ") for line in said)


def test_the_key_is_for_its_owner_alone(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path, log.vkey):
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_requests_without_an_honest_length_are_refused(tmp_path: Path, log: LittleLog) -> None:
    start = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"
    with run_witness(tmp_path, log.vkey) as witness:
        for header, status in (
            (b"", b"411"),
            (b"Transfer-Encoding: chunked\r\n", b"411"),
            (b"Content-Length: -1\r\n", b"411"),
            (b"Content-Length: 1\r\nContent-Length: 2\r\n", b"411"),
            (b"Content-Length: 131073\r\n", b"413"),
            (b"Content-Length: 99999999999999999999\r\n", b"413"),
        ):
            assert exchange(witness, start + header + b"\r\nx").startswith(b"HTTP/1.1 " + status)
        # It promised more than it sent: nothing is answered, nothing happens.
        assert exchange(witness, start + b"Content-Length: 100\r\n\r\nold 0\n") == b""
        assert b" 400 " in exchange(witness, b"\x16\x03\x01 nonsense\r\n\r\n")
        assert witness.ask("GET", "/elsewhere").status == 404
        assert witness.post(log.request(0), "/elsewhere").status == 404
        assert witness.ask("DELETE", "/add-checkpoint").status == 501
        assert witness.post(log.request(0)).status == 200


def test_a_connection_serves_more_than_one_request(tmp_path: Path, log: LittleLog) -> None:
    with run_witness(tmp_path, log.vkey) as witness:
        connection = http.client.HTTPConnection(witness.host, witness.port, timeout=10)
        statuses = []
        for old, size in ((0, 3), (3, 5), (3, 7), (5, 7)):
            connection.request("POST", "/add-checkpoint", log.request(old, size).encode())
            response = connection.getresponse()
            statuses.append(response.status)
            response.read()
        connection.close()
    assert statuses == [200, 200, 409, 200]


def test_people_who_only_hold_the_line_do_not_keep_others_out_for_long(
    tmp_path: Path, log: LittleLog
) -> None:
    with run_witness(tmp_path, log.vkey) as witness:
        silent = [socket.create_connection((witness.host, witness.port)) for _ in range(40)]
        try:
            assert witness.post(log.request(0)).status == 200
        finally:
            for connection in silent:
                connection.close()
