"""`python -m mailer run`: the whole service on one machine, under one supervisor."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mailer import demo, devkit
from mailer.app import create_app
from mailer.devkit import Child, EmbeddedRedis, Supervisor
from mailer.foundation import schema
from mailer.foundation.application import keep_private
from mailer.foundation.database import db
from mailer.foundation.errors import SettingsInvalid
from mailer.foundation.settings import Settings

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
SECRETS = ("secret_keys", "encryption_keys", "address_pepper")


@dataclass(frozen=True, slots=True)
class Listeners:
    """What listens from the beginning, for the programs that will serve there; the web twice if it can."""

    web: socket.socket
    demo: socket.socket
    inbox: socket.socket
    smtp: socket.socket
    web_ipv6: socket.socket | None

    @property
    def ports(self) -> Ports:
        return Ports(
            **{
                name: devkit.port_of(getattr(self, name))
                for name in ("web", "demo", "inbox", "smtp")
            }
        )


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens."""

    web: int
    demo: int
    inbox: int
    smtp: int


def run(given: argparse.Namespace) -> int:
    """Prepare the data directory, then run everything until told to stop."""
    data = (given.data or Path(os.environ.get("MAILER_DATA_DIRECTORY", "var"))).absolute()
    _refuse_production()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keep_private(data)
    redis = EmbeddedRedis(data / "redis")
    redis.claim()
    try:
        listeners = _listen()
        ports = listeners.ports
        environ = _environment(data, ports, redis)
        settings = Settings.from_environment({**_given_settings(), **environ})
        sign_in = _prepare(settings, ports)
        children = _children(data, listeners, redis, environ)
        supervisor = Supervisor(children, on_ready=lambda: _announce(settings, ports, sign_in))
        return supervisor.run()
    finally:
        redis.release()


def _refuse_production() -> None:
    if os.environ.get("MAILER_ENVIRONMENT", "development") == "production":
        raise SettingsInvalid(
            "`run` is for trying and developing; in production start gunicorn, the workers and the "
            "clock as docs/operations.md describes."
        )


def _listen() -> Listeners:
    """Where a port is set it must be free; where none is, we move on to the next free one."""
    chosen: dict[str, socket.socket] = {}
    for name, setting, default in (
        ("web", "MAILER_WEB_PORT", 8000),
        ("demo", "MAILER_DEMO_PORT", 8080),
        ("inbox", "MAILER_INBOX_PORT", 8025),
        ("smtp", "MAILER_SMTP_PORT", devkit.CATCHER_DEFAULT_PORT),
    ):
        wanted = os.environ.get(setting)
        if wanted is None:
            chosen[name] = devkit.listen_from(HOST, default)
            continue
        if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
            raise SettingsInvalid(f"{setting}: give a port number from 1 to 65535.")
        chosen[name] = devkit.listen_at(HOST, int(wanted), setting)
    web_ipv6 = None
    with contextlib.suppress(OSError):
        # `localhost` means this one first on many machines.
        web_ipv6 = devkit.listen("::1", devkit.port_of(chosen["web"]))
    return Listeners(**chosen, web_ipv6=web_ipv6)


def _environment(data: Path, ports: Ports, redis: EmbeddedRedis) -> dict[str, str]:
    """What the children are told; secrets by file, so that no process list shows them."""
    environ = {
        "MAILER_ENVIRONMENT": "development",
        "MAILER_DATA_DIRECTORY": str(data),
        "MAILER_REDIS_URL": os.environ.get("MAILER_REDIS_URL", redis.url),
        "MAILER_SMTP_HOST": HOST,
        "MAILER_SMTP_PORT": str(ports.smtp),
        "MAILER_PUBLIC_URL": os.environ.get("MAILER_PUBLIC_URL", f"http://{HOST}:{ports.web}"),
        "MAILER_ADMIN_URL": os.environ.get("MAILER_ADMIN_URL", f"http://localhost:{ports.web}"),
        # Ports move on when they are taken; the log in the data directory stays the same log.
        "MAILER_LOG_ORIGIN": os.environ.get("MAILER_LOG_ORIGIN", "mailer.localhost/log"),
    }
    directory = data / "secrets"
    directory.mkdir(mode=0o700, exist_ok=True)
    for field in SECRETS:
        name = f"MAILER_{field.upper()}"
        if name in os.environ or f"{name}_FILE" in os.environ:
            continue
        environ[f"{name}_FILE"] = str(_made_once(directory / field))
    return environ


def _made_once(path: Path) -> Path:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path


def _given_settings() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("MAILER_")}


def _prepare(settings: Settings, ports: Ports) -> demo.SignIn:
    # A request context, for the website's code is drawn from the templates of the pages.
    with create_app(settings).test_request_context(base_url=settings.public_url):
        schema.upgrade()
        sign_in = demo.prepare(settings, demo_url=f"http://{HOST}:{ports.demo}")
        db.engine.dispose()
    return sign_in


def _children(
    data: Path, listeners: Listeners, redis: EmbeddedRedis, environ: Mapping[str, str]
) -> list[Child]:
    embedded = [] if "MAILER_REDIS_URL" in os.environ else [redis.child()]
    children = [
        *embedded,
        _server("catcher", "catch-mail", data / "mail", listeners.smtp, devkit.greets_smtp),
        _server("inbox", "show-mail", data / "mail", listeners.inbox, devkit.answers_http),
        _server("demo", "show-site", data / "demo-site", listeners.demo, devkit.answers_http),
        _web(listeners),
        _worker("first", "--queue", "first"),
        _worker("bulk", "--queue", "bulk"),
        _worker("upkeep", "--queue", "upkeep"),
        _worker("log", "--log"),
        replace(_worker("clock", "--clock"), stop_order=1),
    ]
    started = {child.name for child in children}
    return [
        replace(
            child,
            env={**child.env, **environ},
            after=tuple(name for name in child.after if name in started),
        )
        for child in children
    ]


def _server(
    name: str,
    kind: str,
    directory: Path,
    listener: socket.socket,
    is_ready: Callable[[str, int], Callable[[], bool]],
) -> Child:
    number = listener.fileno()
    return Child(
        name=name,
        argv=(sys.executable, "-m", "mailer.devkit", kind, str(directory), "--fd", str(number)),
        stop_order=3,
        ready=is_ready(HOST, devkit.port_of(listener)),
        descriptors=(number,),
    )


def _worker(name: str, *arguments: str) -> Child:
    return Child(
        name=name,
        argv=(sys.executable, str(ROOT / "worker.py"), *arguments),
        stop_order=2,
        grace=30,
        # The processor goes to the pages first: a person looks at them sooner than a worker has work.
        after=("redis", "web"),
    )


def _web(listeners: Listeners) -> Child:
    listening = [one.fileno() for one in (listeners.web, listeners.web_ipv6) if one is not None]
    return Child(
        name="web",
        argv=(
            *(sys.executable, "-m", "gunicorn", "wsgi:app", "--chdir", str(ROOT)),
            *(word for number in listening for word in ("--bind", f"fd://{number}")),
            *("--workers", "2", "--threads", "8", "--worker-class", "mailer.web.serving.Worker"),
            *("--preload", "--no-control-socket"),
            *("--log-level", "warning", "--graceful-timeout", "10"),
        ),
        stop_order=1,
        ready=devkit.answers_http(HOST, devkit.port_of(listeners.web), "/health"),
        descriptors=tuple(listening),
    )


def _announce(settings: Settings, ports: Ports, sign_in: demo.SignIn) -> None:
    print(
        f"""
  Mailer is running.

  Demo website      http://{HOST}:{ports.demo}/         the form, embedded in three ways
  Inbox             http://{HOST}:{ports.inbox}/         every mail that is sent here
  Marketers' side   {settings.admin_url}/admin/
                    {sign_in.address}  ·  {sign_in.password}
  Privacy notice    {sign_in.notice_url}
  Consent log       {settings.public_url}/log

  Ctrl-C stops everything. Your data stays in {settings.data_directory}
""",
        flush=True,
    )
