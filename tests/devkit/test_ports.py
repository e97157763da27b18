from __future__ import annotations

import socket

import pytest

from mailer.devkit.ports import (
    PortTaken,
    accepts_connections,
    answers_http,
    find_free_port,
    is_port_free,
    require_free_port,
)


def test_a_port_is_free_until_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        assert not is_port_free("127.0.0.1", port)
        assert accepts_connections("127.0.0.1", port)()
        assert not answers_http("127.0.0.1", port)()
    assert is_port_free("127.0.0.1", port)
    assert not accepts_connections("127.0.0.1", port)()


def test_the_refusal_names_the_port_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} .* set MAILER_PORT to"):
            require_free_port("127.0.0.1", port, "MAILER_PORT")
    require_free_port("127.0.0.1", port, "MAILER_PORT")


def test_the_next_free_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert find_free_port("127.0.0.1", port) > port
        with pytest.raises(PortTaken):
            find_free_port("127.0.0.1", port, tries=1)
