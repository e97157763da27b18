"""`python -m mailer run`: the whole service on one machine, under one supervisor."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mailer import demo, devkit
from mailer.app import create_app
from mailer.devkit import Child, EmbeddedRedis, Supervisor
from mailer.foundation import schema
from mailer.foundation.database import db
from mailer.foundation.errors import SettingsInvalid
from mailer.foundation.settings import Settings

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
SECRETS = ("secret_keys", "encryption_keys", "address_pepper")


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
    os.umask(0o077)  # addresses and keys lie in there
    data.mkdir(parents=True, exist_ok=True)
    redis = EmbeddedRedis(data / "redis")
    redis.claim()
    try:
        ports = _choose_ports()
        environ = _environment(data, ports, redis)
        settings = Settings.from_environment({**_given_settings(), **environ})
        sign_in = _prepare(settings, ports)
        children = _children(data, ports, redis, environ)
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


def _choose_ports() -> Ports:
    """What is set must be free; what is not set moves on to the next free port."""
    chosen = {}
    for name, setting, default in (
        ("web", "MAILER_WEB_PORT", 8000),
        ("demo", "MAILER_DEMO_PORT", 8080),
        ("inbox", "MAILER_INBOX_PORT", 8025),
        ("smtp", "MAILER_SMTP_PORT", devkit.CATCHER_DEFAULT_PORT),
    ):
        wanted = os.environ.get(setting)
        if wanted is None:
            chosen[name] = devkit.find_free_port(HOST, default)
            continue
        if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
            raise SettingsInvalid(f"{setting}: give a port number from 1 to 65535.")
        devkit.require_free_port(HOST, int(wanted), setting)
        chosen[name] = int(wanted)
    return Ports(**chosen)


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
    data: Path, ports: Ports, redis: EmbeddedRedis, environ: Mapping[str, str]
) -> list[Child]:
    embedded = [] if "MAILER_REDIS_URL" in os.environ else [redis.child()]
    children = [
        *embedded,
        _server("catcher", "catch-mail", data / "mail", ports.smtp),
        _server("inbox", "show-mail", data / "mail", ports.inbox),
        _server("demo", "show-site", data / "demo-site", ports.demo),
        Child(
            name="web",
            argv=_gunicorn(ports),
            stop_order=1,
            ready=devkit.answers_http(HOST, ports.web, "/health"),
        ),
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


def _server(name: str, kind: str, directory: Path, port: int) -> Child:
    return Child(
        name=name,
        argv=(sys.executable, "-m", "mailer.devkit", kind, str(directory), "--port", str(port)),
        stop_order=3,
        ready=devkit.accepts_connections(HOST, port),
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


def _gunicorn(ports: Ports) -> tuple[str, ...]:
    binds = ["--bind", f"{HOST}:{ports.web}"]
    if devkit.is_port_free("::1", ports.web):
        # `localhost` means this one first on many machines.
        binds += ["--bind", f"[::1]:{ports.web}"]
    return (
        *(sys.executable, "-m", "gunicorn", "wsgi:app", "--chdir", str(ROOT)),
        *binds,
        *("--workers", "2", "--threads", "8", "--worker-class", "mailer.web.serving.Worker"),
        *("--preload", "--no-control-socket"),
        *("--log-level", "warning", "--graceful-timeout", "10"),
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
