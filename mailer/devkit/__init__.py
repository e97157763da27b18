"""The developers' door: what one command needs to run the whole service on one machine.

In go the command lines of our programs and a data directory; out come running programs under one
supervisor, a real Redis on a private socket, and a mail catcher with its inbox. It always holds
that nothing started here outlives the one who started it, and that no mail leaves the machine.
"""

from mailer.devkit.catcher_inbox import create_inbox, serve_inbox
from mailer.devkit.catcher_smtp import DEFAULT_PORT as CATCHER_DEFAULT_PORT
from mailer.devkit.catcher_smtp import serve_catcher
from mailer.devkit.embedded_redis import (
    AlreadyRunning,
    EmbeddedRedis,
    RedisMissing,
    find_redis_server,
)
from mailer.devkit.file_server import serve_directory
from mailer.devkit.ports import (
    PortTaken,
    accepts_connections,
    answers_http,
    greets_smtp,
    listen,
    listen_at,
    listen_from,
    port_of,
)
from mailer.devkit.supervisor import Child, Supervisor

__all__ = [
    "CATCHER_DEFAULT_PORT",
    "AlreadyRunning",
    "Child",
    "EmbeddedRedis",
    "PortTaken",
    "RedisMissing",
    "Supervisor",
    "accepts_connections",
    "answers_http",
    "create_inbox",
    "find_redis_server",
    "greets_smtp",
    "listen",
    "listen_at",
    "listen_from",
    "port_of",
    "serve_catcher",
    "serve_directory",
    "serve_inbox",
]
