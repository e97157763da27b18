"""Networks and hosts: of an IP address only the network is kept (C-046), and one host has one form."""

from __future__ import annotations

import ipaddress

_IPV4_BITS, _IPV6_BITS = 24, 48
_IPV6_HOUSEHOLD_BITS = 64
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def truncate_ip(text: str) -> str:
    """The network of an address, not the address of a person: /24 for IPv4, /48 for IPv6; else ""."""
    address = _parse(text.strip())
    if address is None:
        return ""
    return _network(
        address, _IPV6_BITS if isinstance(address, ipaddress.IPv6Address) else _IPV4_BITS
    )


def ip_prefix(text: str) -> str:
    """Whom a limit counts: the address itself for IPv4, its /64 for IPv6; "unknown" for what is none."""
    address = _parse(text)
    if isinstance(address, ipaddress.IPv6Address):
        return _network(address, _IPV6_HOUSEHOLD_BITS)
    return "unknown" if address is None else str(address)


def host_form(name: str) -> str:
    """A host name or IP address in the one form it is compared in: no case, no last dot, IDN as ASCII."""
    name = name.strip().strip("[]").lower()
    for dot in "\u3002\uff0e\uff61":  # what IDNA takes for a dot (RFC 3490 3.1)
        name = name.replace(dot, ".")
    name = name.rstrip(".")
    address = _parse(name)
    if address is not None:
        return str(address)
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name


def _parse(text: str) -> _Address | None:
    """Without the name of an interface; an IPv4 address mapped into IPv6 counts as such."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _network(address: _Address, bits: int) -> str:
    # A third of what ip_network takes, which reads the address once more.
    rest = address.max_prefixlen - bits
    return f"{type(address)(int(address) >> rest << rest)}/{bits}"
