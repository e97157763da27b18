"""What lies in deploy/ starts what there is: commands, settings, queues, slots, secrets."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from gunicorn.config import Config

import worker
from mailer.cli.commands import build_parser
from mailer.foundation.queue import QUEUES
from mailer.foundation.settings import ENTRIES, OTHER_NAMES
from tests.house.sources import ROOT, refuse

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PYTHON = ("python", "/opt/mailer/.venv/bin/python")
GUNICORN = ("gunicorn", "/opt/mailer/.venv/bin/gunicorn")
SMTP_TIMEOUT = int(next(one.default for one in ENTRIES if one.field == "smtp_timeout_seconds") or 0)


def compose() -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def ours() -> dict[str, dict[str, Any]]:
    """The services that run our own image."""
    return {
        name: service
        for name, service in compose()["services"].items()
        if service["image"] == "mailer"
    }


def unit_lines(path: Path, name: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


def commands() -> dict[str, list[str]]:
    """Every command line, by where it stands."""
    found = {f"compose {name}": service["command"] for name, service in ours().items()}
    for path in UNITS:
        (line,) = unit_lines(path, "ExecStart")
        for instance in ("first", "upkeep") if path.stem == "mailer-worker@" else ("0",):
            found[f"{path.name} {instance}"] = shlex.split(line.replace("%i", instance))
    (image,) = re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    return {**found, "Dockerfile": yaml.safe_load(image)}


def workers() -> list[argparse.Namespace]:
    parser = worker.build_parser()
    return [
        parser.parse_args(words[2:])
        for words in commands().values()
        if words[0] in PYTHON and words[1] == "worker.py"
    ]


@pytest.mark.parametrize("place", commands())
def test_every_command_line_is_one_that_can_be_started(place: str) -> None:
    program, *words = commands()[place]
    if program in GUNICORN:
        given = Config().parser().parse_args(words)
        assert given.args == ["wsgi:app"]
    elif words[0] == "worker.py":
        worker.build_parser().parse_args(words[1:])
    else:
        assert program in PYTHON
        assert words[:2] == ["-m", "mailer"]
        build_parser().parse_args(words[2:])


def test_every_part_of_the_service_is_started_by_both() -> None:
    for kind in ("compose", ".service"):
        lines = [" ".join(words) for place, words in commands().items() if kind in place]
        for part in ("wsgi:app", "-m mailer upgrade", "worker.py --clock", "worker.py --log"):
            assert sum(part in line for line in lines) == 1, (kind, part)
        queues = {queue for queue in QUEUES if any(f"--queue {queue}" in line for line in lines)}
        assert queues == set(QUEUES), kind


def test_there_is_one_campaign_worker_for_each_slot() -> None:
    slots = [
        worker.build_parser().parse_args(service["command"][2:]).slot
        for service in ours().values()
        if "bulk" in service["command"]
    ]
    count = ours()["bulk-0"]["environment"]["MAILER_WORKER_COUNT"]
    assert sorted(slots) == list(range(int(re.findall(r":-(\d+)\}", count)[0])))


def test_every_setting_that_is_named_is_a_setting() -> None:
    known = {entry.name for entry in ENTRIES} | OTHER_NAMES
    wrong = [
        f"{path.name}: {name}"
        for path in (DEPLOY / "compose.yaml", DEPLOY / "Dockerfile", *UNITS)
        for name in re.findall(r"\bMAILER_[A-Z_]+", path.read_text(encoding="utf-8"))
        if name not in known and name.removesuffix("_FILE") not in known
    ]
    refuse(wrong)


def test_secrets_come_from_files_and_every_file_is_declared() -> None:
    declared = compose()["secrets"]
    wrong = []
    for name, service in compose()["services"].items():
        given = set(service.get("secrets", ()))
        wrong += [f"{name}: {secret}" for secret in given - set(declared)]
        for setting, value in service.get("environment", {}).items():
            is_secret = any(word in setting for word in ("KEYS", "PASSWORD", "PEPPER"))
            if is_secret and not setting.endswith("_FILE"):
                wrong.append(f"{name}: {setting}")
            if setting.endswith("_FILE") and value.removeprefix("/run/secrets/") not in given:
                wrong.append(f"{name}: {setting} has no secret")
    refuse(wrong)
    assert all(one == {"file": f"secrets/{name}"} for name, one in declared.items())


def test_a_sending_worker_may_take_longer_to_stop_than_an_answer_takes_to_come() -> None:
    for name, service in ours().items():
        if {"first", "bulk"} & set(service["command"]):
            minutes = int(service["stop_grace_period"].removesuffix("m"))
            assert 60 * minutes > SMTP_TIMEOUT, name
    for path in UNITS:
        if path.stem in ("mailer-worker@", "mailer-bulk@"):
            assert int(unit_lines(path, "TimeoutStopSec")[0]) > SMTP_TIMEOUT, path.name


def test_the_log_keeper_has_a_user_and_a_place_of_its_own() -> None:
    keeper = ours()["log"]
    others = [service for name, service in ours().items() if name != "log"]
    assert all("user" not in service for service in others)
    own = {volume.split(":")[0] for volume in keeper["volumes"]}
    assert not own & {volume.split(":")[0] for one in others for volume in one["volumes"]}
    users = {path.stem: unit_lines(path, "User") for path in UNITS}
    assert users.pop("mailer-log") == ["mailer-log"]
    assert set(map(tuple, users.values())) == {("mailer",)}


def test_what_the_image_copies_is_there_and_is_sent_to_its_builder() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [
        word.rstrip("/")
        for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    sent = re.findall(r"^!(\S+)$", ignore, re.MULTILINE)
    assert sorted(copied) == sorted(sent)
    assert all((ROOT / name).exists() for name in copied)
    assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == ["mailer"]


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        return  # a machine without systemd has nothing to say about units
    paths = []
    for path in UNITS:
        # The programs are not where they will be installed.
        name = path.name.replace("@.", "@first.")
        text = re.sub(r"/opt/mailer/\.venv/bin/\w+", "/bin/true", path.read_text(encoding="utf-8"))
        (tmp_path / name).write_text(text, encoding="utf-8")
        paths.append(str(tmp_path / name))
    done = subprocess.run(
        [program, "verify", "--man=no", *paths],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    refuse([line for line in done.stderr.splitlines() if "mailer-" in line])
    assert done.returncode == 0, done.stderr
