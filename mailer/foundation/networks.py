"""IP addresses: weak evidence, so only the network is kept (C-046)."""

from __future__ import annotations

import ipaddress

_IPV4 = 4
_IPV4_BITS, _IPV6_BITS = 24, 48


def truncate_ip(text: str) -> str:
    """The network of an address, not the address of a person: /24 for IPv4, /48 for IPv6; else ""."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = _IPV4_BITS if address.version == _IPV4 else _IPV6_BITS
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
