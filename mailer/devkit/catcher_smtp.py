"""A mail server that keeps everything and passes nothing on.

It speaks real SMTP, so that the sender is the one used in production, and it can be made to
refuse: local parts that end in `+hard` are unknown here (550 5.1.1), those that end in `+soft`
are to be tried again later (451 4.7.1). Offers SIZE, 8BITMIME and SMTPUTF8.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import closing
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer.devkit.caught_mail import LetterBox
from mailer.devkit.ports import listen

DEFAULT_PORT = 1025
LARGEST_MAIL_BYTES = 33_554_432
# Looking through the directory for each mail would slow a campaign down.
_PRUNE_EVERY = 100


class _Catcher:
    """What aiosmtpd asks at each step; the method names are its own."""

    def __init__(self, box: LetterBox) -> None:
        self._box = box
        self._since_pruning = 0

    async def handle_RCPT(  # noqa: N802 (aiosmtpd finds the method by this name)
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        refusal = refuse_recipient(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd finds the method by this name)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        # aiosmtpd hands the null sender of bounces on as it stands on the wire.
        sender = (envelope.mail_from or "").removeprefix("<>")
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            mail_id = self._box.add(sender, envelope.rcpt_tos, raw)
        except OSError as error:
            return f"452 4.3.1 The mail could not be kept: {error.strerror}"
        self._since_pruning += 1
        if self._since_pruning >= _PRUNE_EVERY:
            self._since_pruning = 0
            self._box.prune()
        return f"250 2.0.0 kept as {mail_id}"


def refuse_recipient(address: str) -> str | None:
    """Return the refusal for an address that asks for one (RFC 3463 codes), else None."""
    local = address.rpartition("@")[0]
    if local.endswith("+hard"):
        return f"550 5.1.1 <{address}>: there is no such mailbox here"
    if local.endswith("+soft"):
        return f"451 4.7.1 <{address}>: not now, please try again later"
    return None


async def run_catcher(
    directory: Path, listener: socket.socket, *, keep: int, stop: asyncio.Event
) -> None:
    """Serve at `listener` until `stop` is set."""
    box = LetterBox(directory, keep=keep)
    box.prune()
    loop = asyncio.get_running_loop()
    catcher = _Catcher(box)

    def answer() -> SMTP:
        return SMTP(
            catcher,
            data_size_limit=LARGEST_MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Mailer catcher",
            loop=loop,
        )

    with closing(await loop.create_server(answer, sock=listener)):
        await stop.wait()


def serve_catcher(
    directory: Path,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    listener: socket.socket | None = None,
    keep: int = 2000,
) -> None:
    """Catch mail into `directory` until SIGINT or SIGTERM, keeping the newest `keep` mails.

    At `listener` if given. Raises OSError when the port cannot be had.
    """
    chosen = listener or listen(host, port)

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run_catcher(directory, chosen, keep=keep, stop=stop)

    asyncio.run(serve())
