"""Client addresses: who counts as one client, for limits per client."""

from __future__ import annotations

import ipaddress

from starlette.types import Scope

IPV6_PREFIX = 64  # a provider gives each customer at least this much, so one client has all of its addresses


def client_key(scope: Scope) -> str | None:
    """Return what limits per client count by; `None` if the client is not limited.

    It is the IPv4 address, or the network of 64 bits of an IPv6 address. The addresses of this computer are not
    limited: the kernels of a live page share them, and so do visitors behind a proxy that does not say their address.
    """
    client = scope.get("client")
    if not client:  # a Unix socket
        return None
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return str(client[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address)
