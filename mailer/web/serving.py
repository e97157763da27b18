"""gunicorn's threaded worker, with one thing more: whoever has less to do takes the next connection.

All workers wait at the same socket, and nothing says who comes first: without this, one of two takes nearly all
of sixteen visitors that come one after the other, and half of the machine lies idle.
"""

from __future__ import annotations

import socket
import time

from gunicorn.workers.gthread import ThreadWorker

SECONDS_EACH = 0.0001  # waited for every connection held already
MOST_SECONDS = 0.001  # so that one worker still takes a thousand connections a second


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Lets others take a connection first, the longer the more connections it holds."""

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, if nobody took it meanwhile."""
        time.sleep(min(self.nr_conns * SECONDS_EACH, MOST_SECONDS))
        super().accept(listener)
