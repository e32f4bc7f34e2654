"""Client addresses, by which limits per client are counted."""

from __future__ import annotations

import ipaddress

from starlette.types import Scope

IPV6_PREFIX = 64  # a provider assigns each customer at least a /64, so one client has all of its addresses


def client_key(scope: Scope) -> str | None:
    """Return the key of a client for limits per client; `None` if the client is not limited.

    The key is the IPv4 address, or the /64 network of an IPv6 address. Loopback addresses are not limited: the kernels
    of a live page share them, and so do visitors behind a proxy that does not forward their addresses.
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
