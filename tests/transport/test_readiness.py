from __future__ import annotations

import socket

import pytest

from mailer.transport import readiness
from mailer.transport.readiness import READ, WRITE


@pytest.mark.parametrize("kind", [readiness.Readiness, readiness._Poll])
def test_what_is_ready_is_named_with_what_it_is_ready_for(kind: type[readiness._Poll]) -> None:
    one, other = socket.socketpair()
    ready = kind()
    with one, other:
        ready.register(one.fileno(), READ)
        assert ready.poll(0) == []
        other.send(b".")
        assert ready.poll(1) == [(one.fileno(), READ)]
        ready.modify(one.fileno(), READ | WRITE)
        assert ready.poll(1) == [(one.fileno(), READ | WRITE)]
        ready.unregister(one.fileno())
        assert ready.poll(0) == []
    ready.close()


@pytest.mark.parametrize("kind", [readiness.Readiness, readiness._Poll])
def test_a_connection_that_is_gone_is_ready(kind: type[readiness._Poll]) -> None:
    one, other = socket.socketpair()
    ready = kind()
    with one:
        ready.register(one.fileno(), READ)
        other.close()
        ((descriptor, events),) = ready.poll(1)
        assert descriptor == one.fileno()
        assert events & ~WRITE
    ready.close()
