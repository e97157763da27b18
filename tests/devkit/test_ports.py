from __future__ import annotations

import socket

import pytest

from mailer.devkit.ports import (
    PortTaken,
    accepts_connections,
    answers_http,
    greets_smtp,
    listen_at,
    listen_from,
    port_of,
)


def test_a_port_is_free_until_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        with pytest.raises(PortTaken):
            listen_at("127.0.0.1", port, "MAILER_PORT")
        assert accepts_connections("127.0.0.1", port)()
        assert not answers_http("127.0.0.1", port)()
        assert not greets_smtp("127.0.0.1", port)()
    listen_at("127.0.0.1", port, "MAILER_PORT").close()
    assert not accepts_connections("127.0.0.1", port)()


def test_the_refusal_names_the_port_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} .* set MAILER_PORT to"):
            listen_at("127.0.0.1", port, "MAILER_PORT")


def test_the_next_free_port_is_found_and_is_nobody_elses_from_then_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with listen_from("127.0.0.1", port) as listener:
            assert port_of(listener) > port
            with pytest.raises(PortTaken):
                listen_from("127.0.0.1", port_of(listener), tries=1)
