"""Starting a witness: what is given on the command line becomes a key, a memory and a socket."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import time
from pathlib import Path
from threading import Thread

from mailer.foundation.errors import MailerError
from mailer.witness.cosigner import Cosigner
from mailer.witness.keys import LogKey, WitnessKey, own_key
from mailer.witness.memory import Memory
from mailer.witness.server import Witness


class AddressUnusable(MailerError):
    """The witness cannot listen there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a witness is started with."""
    parser.add_argument(
        "--directory",
        type=Path,
        required=True,
        help="where its key lies and what it has seen of each log; made when there is none",
    )
    parser.add_argument(
        "--log",
        action="append",
        required=True,
        metavar="VKEY",
        help="the public key of a log to watch; more than once for more logs or keys",
    )
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8790",
        metavar="HOST:PORT",
        help="where to listen (default: 127.0.0.1:8790); let a proxy speak TLS before it",
    )
    parser.add_argument(
        "--name",
        help="what the key is called when it is made (default: this machine's name and /witness)",
    )


def run(given: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C. Raises MailerError with one line when it cannot start."""
    host, port = _read_address(given.listen)
    logs = [LogKey.from_vkey(vkey) for vkey in given.log]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="witness: %(message)s")
    memory = Memory(given.directory)
    try:
        key = _key(given.directory / "key", given.name)
        cosigner = Cosigner(key, logs, memory, time.time)
        try:
            server = Witness(host, port, cosigner, lambda: describe(cosigner))
        except (OSError, OverflowError) as error:
            raise AddressUnusable(f"Cannot listen on {given.listen}: {error}") from None
        _announce(key, server)
        _serve(server)
    finally:
        memory.close()
    return 0


def _serve(server: Witness) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        # Another thread: shutdown waits for the loop that this signal interrupts.
        signal.signal(signal_number, lambda *_: Thread(target=server.shutdown).start())
    with server:
        server.serve_forever(poll_interval=0.1)


def describe(cosigner: Cosigner) -> str:
    """What the witness says of itself to whoever opens its address."""
    lines = [f"{size:>12}  {origin}\n" for origin, size in sorted(cosigner.sizes().items())]
    return (
        "This is a witness for transparency logs (C2SP tlog-witness).\n\n"
        f"{cosigner.key.vkey}\n\n"
        "It has cosigned these logs up to these sizes:\n\n" + "".join(lines)
    )


def _announce(key: WitnessKey, server: Witness) -> None:
    host, port = server.server_address[:2]
    shown = f"[{host!s}]" if ":" in str(host) else str(host)
    sys.stdout.write(
        f"Witness {key.name} listens on http://{shown}:{port}/\n\n"
        "For the log (MAILER_LOG_WITNESSES), with the address that reaches it from there:\n"
        f"  {key.vkey} https://…\n\n"
        "For the policy of whoever checks proofs:\n"
        f"  witness {key.name} {key.vkey}\n"
        f"  quorum {key.name}\n"
    )
    sys.stdout.flush()


def _key(path: Path, name: str | None) -> WitnessKey:
    if name is None and not path.exists():
        name = f"{socket.gethostname()}/witness"
    return own_key(path, name)


def _read_address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise AddressUnusable("--listen: give HOST:PORT, such as 127.0.0.1:8790 or [::1]:8790.")
    return host.strip("[]"), int(port)
