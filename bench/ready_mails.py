"""One process that hands ready mails to a receiver with the transport, and says what that cost.

Run as `python -m bench.ready_mails PORT MAILS OCTETS CONNECTIONS`; prints JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mailer.transport import Envelope, Journal, Outcome, OutcomeKind, Relay, deliver

_LINE = b"The shelves by the window are new, and so is almost everything on them. =\r\n"
_HEAD = b"From: Harbour Books <books@ours.test>\r\nSubject: Autumn\r\nMIME-Version: 1.0\r\n\r\n"


def send(port: int, mails: int, octets: int, connections: int) -> dict[str, float]:
    """Send `mails` ready mails; the seconds it took and the processor seconds it used."""
    body = (_HEAD + _LINE * (octets // len(_LINE) + 1))[:octets]
    relay = Relay(
        host="127.0.0.1",
        port=port,
        security="none",
        username=None,
        password=None,
        helo_name="bench",
    )
    outcomes: list[Outcome] = []
    gc.freeze()
    with tempfile.TemporaryDirectory() as name:
        journal = Journal.open(Path(name), "bench")
        cpu, began = time.process_time(), time.monotonic()
        deliver(
            _envelopes(body[:-12], mails),
            relay,
            connections=connections,
            journal=journal,
            allow=lambda _: True,
            poll=lambda: True,
            on_outcome=outcomes.append,
        )
        figures = {
            "seconds": time.monotonic() - began,
            "cpu_seconds": time.process_time() - cpu,
        }
        journal.clear()
        journal.close()
    accepted = sum(outcome.kind is OutcomeKind.ACCEPTED for outcome in outcomes)
    if accepted != mails:
        raise RuntimeError(f"{accepted} of {mails} mails were accepted")
    return figures


def _envelopes(body: bytes, mails: int) -> Iterator[Envelope]:
    for number in range(mails):
        yield Envelope.spliced(
            key=f"d{number}",
            mail_from="books@ours.test",
            rcpt_to=f"person{number}@people.test",
            body=b"%b%010d\r\n" % (body, number),
        )


if __name__ == "__main__":
    print(json.dumps(send(*map(int, sys.argv[1:]))))
