"""A DNS server on loopback, over UDP and TCP on one port, that answers as a test has it answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Answer = Callable[[dns.message.Message, str], dns.message.Message | bytes | None]
TTL = 300
LONGEST = 65_535


def mx(*hosts: str) -> Answer:
    """MX records such as `10 mx.example.org`; a dot is no host."""

    def answer(query: dns.message.Message, name: str) -> dns.message.Message:
        reply = _reply(query)
        records = [host if host.endswith(".") else f"{host}." for host in hosts]
        reply.answer.append(dns.rrset.from_text_list(f"{name}.", TTL, "IN", "MX", records))
        return reply

    return answer


def txt(*texts: str) -> Answer:
    """TXT records, each in strings of 255 octets."""

    def answer(query: dns.message.Message, name: str) -> dns.message.Message:
        reply = _reply(query)
        if query.question[0].rdtype != dns.rdatatype.TXT:
            reply.authority.append(_soa(name))
            return reply
        records = [
            " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
            for text in texts
        ]
        reply.answer.append(dns.rrset.from_text_list(f"{name}.", TTL, "IN", "TXT", records))
        return reply

    return answer


def alias(target: str, *hosts: str) -> Answer:
    """The domain is another name for `target`, which has these MX records."""

    def answer(query: dns.message.Message, name: str) -> dns.message.Message:
        reply = _reply(query)
        reply.answer.append(dns.rrset.from_text(f"{name}.", TTL, "IN", "CNAME", f"{target}."))
        records = [f"{host}." for host in hosts]
        if records:
            reply.answer.append(dns.rrset.from_text_list(f"{target}.", TTL, "IN", "MX", records))
        else:
            reply.authority.append(_soa(target))
        return reply

    return answer


def nothing(query: dns.message.Message, name: str) -> dns.message.Message:
    """The domain exists and has no MX record."""
    reply = _reply(query)
    reply.authority.append(_soa(name))
    return reply


def no_domain(query: dns.message.Message, name: str) -> dns.message.Message:
    reply = _reply(query, dns.rcode.NXDOMAIN)
    reply.authority.append(_soa("test"))
    return reply


def failed(query: dns.message.Message, name: str) -> dns.message.Message:
    return _reply(query, dns.rcode.SERVFAIL)


def refused(query: dns.message.Message, name: str) -> dns.message.Message:
    return _reply(query, dns.rcode.REFUSED)


def lame(query: dns.message.Message, name: str) -> dns.message.Message:
    """No answer, only whom to ask instead: a server that should not have been asked."""
    reply = _reply(query)
    reply.flags &= ~(dns.flags.RA | dns.flags.AA)
    reply.authority.append(dns.rrset.from_text("test.", TTL, "IN", "NS", "ns.elsewhere.test."))
    return reply


def silent(query: dns.message.Message, name: str) -> None:
    """No answer at all."""


def garbage(query: dns.message.Message, name: str) -> bytes:
    return b"\x00" + query.to_wire()[1:2] + b"no DNS"


def foreign(query: dns.message.Message, name: str) -> bytes:
    """An answer to another question, as somebody who guesses would send it."""
    reply = mx("10 aspmx.l.google.com")(query, name)
    assert isinstance(reply, dns.message.Message)
    reply.id = (query.id + 1) % 65536
    return reply.to_wire()


def _reply(
    query: dns.message.Message, rcode: dns.rcode.Rcode = dns.rcode.NOERROR
) -> dns.message.Message:
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(rcode)
    return reply


def _soa(name: str) -> dns.rrset.RRset:
    text = f"ns.{name}. admin.{name}. 1 7200 900 1209600 300"
    return dns.rrset.from_text(f"{name}.", TTL, "IN", "SOA", text)


@dataclass
class DnsServer:
    """Use as a context manager; `zone` says how each domain is answered, others do not exist."""

    zone: dict[str, Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)  # names, of any type
    over_tcp: Counter[str] = field(default_factory=Counter)
    kinds: set[str] = field(default_factory=set)
    errors: list[BaseException] = field(default_factory=list)

    @property
    def address(self) -> str:
        """For MAILER_DNS_SERVERS."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._tcp, self._udp = _one_port()
        self.port: int = self._tcp.getsockname()[1]
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, args=(serve,), daemon=True)
            for serve in (self._serve_udp, self._serve_tcp)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for listener in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join(5)
        assert not self.errors, self.errors

    def _serve(self, serve: Callable[[], None]) -> None:
        try:
            while True:
                serve()
        except OSError:
            return  # the test is over
        except BaseException as error:  # noqa: BLE001 - asserted on at the end
            self.errors.append(error)

    def _serve_udp(self) -> None:
        wire, sender = self._udp.recvfrom(4096)
        if not wire:
            raise OSError("closed")
        query, reply = self._answer(wire)
        if isinstance(reply, dns.message.Message):
            most = max(512, query.payload)
            octets = reply.to_wire(max_size=LONGEST)
            if len(octets) > most:
                reply.answer.clear()
                reply.flags |= dns.flags.TC
                octets = reply.to_wire()
            reply = octets
        if reply is not None:
            self._udp.sendto(reply, sender)

    def _serve_tcp(self) -> None:
        line, _ = self._tcp.accept()
        line.settimeout(5)
        with line, line.makefile("rwb") as stream:
            wire = stream.read(int.from_bytes(stream.read(2), "big"))
            query, reply = self._answer(wire)
            self.over_tcp[_name_of(query)] += 1
            if reply is not None:
                octets = reply if isinstance(reply, bytes) else reply.to_wire(max_size=LONGEST)
                stream.write(len(octets).to_bytes(2, "big") + octets)

    def _answer(
        self, wire: bytes
    ) -> tuple[dns.message.Message, dns.message.Message | bytes | None]:
        query = dns.message.from_wire(wire)
        name = _name_of(query)
        with self._lock:
            self.asked[name] += 1
            self.kinds.add(dns.rdatatype.to_text(query.question[0].rdtype))
        return query, self.zone.get(name, no_domain)(query, name)


def _name_of(query: dns.message.Message) -> str:
    return query.question[0].name.to_text(omit_final_dot=True)


def _one_port() -> tuple[socket.socket, socket.socket]:
    """A listening TCP socket, and a UDP socket on the same port."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        return tcp, udp
