"""A witness in a process and on a socket of its own, as it runs elsewhere."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = "witness.example.net/w1"


@dataclass
class RunningWitness:
    """Where it listens and what it is called."""

    process: subprocess.Popen[str]
    host: str
    port: int
    vkey: str
    said: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def post(self, body: str | bytes, path: str = "/add-checkpoint") -> Answer:
        return self.ask("POST", path, body.encode() if isinstance(body, str) else body)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            kind = response.getheader("Content-Type", "")
            return Answer(response.status, response.read().decode(), kind)
        finally:
            connection.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    content_type: str


@contextmanager
def run_witness(
    directory: Path,
    *logs: str,
    name: str | None = NAME,
    listen: str = "127.0.0.1:0",
    program: tuple[str, ...] = ("mailer.witness",),
) -> Iterator[RunningWitness]:
    """Run a witness that watches `logs` (vkeys); the environment holds nothing of the service."""
    command = [sys.executable, "-m", *program]
    command += ["--directory", str(directory), "--listen", listen]
    for vkey in logs:
        command += ["--log", vkey]
    if name:
        command += ["--name", name]
    bare = {key: value for key, value in os.environ.items() if not key.startswith("MAILER_")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bare
    )
    try:
        yield _wait_until_ready(process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def _wait_until_ready(process: subprocess.Popen[str]) -> RunningWitness:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("  quorum "):
            break
    else:
        raise AssertionError(f"the witness did not start: {process.communicate()[1]}")
    said = "".join(lines)
    host, _, port = lines[0].split("http://")[1].split("/")[0].rpartition(":")
    vkey = next(line for line in lines if line.startswith("  witness ")).split()[2]
    return RunningWitness(process, host.strip("[]"), int(port), vkey, said)
