"""Validation of `Host` headers against DNS rebinding.

A web site can let its own name resolve to 127.0.0.1, and its scripts then have the same origin as a server there. The
`Host` header still contains the name of the web site, so such a server accepts only requests with allowed names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ANY_HOST = "*"
MAX_PORT = 65535

# RFC 9110, section 7.2: uri-host [ ":" port ]; a registered name or an IPv4 address, or an IPv6 address in brackets.
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,5}))?", re.ASCII)


def is_local_host(host: str | None, allowed: Collection[str]) -> bool:
    """Return whether a `Host` header names this computer or one of the allowed hosts.

    The port, upper and lower case, and a final dot are ignored. Every other value that is not a valid host, such as two
    names, user information or white space, is refused.

    Args:
        host: the value of the only `Host` header of the request; `None` if there is none. The caller must refuse
            requests with several.
        allowed: further host names or IP addresses; `*` allows every request.
    """
    if ANY_HOST in allowed:
        return True
    name = parse_host(host)
    return name is not None and name in {parse_host(one) for one in (*LOCAL_HOSTS, *allowed)}


def parse_host(host: str | None) -> str | None:
    """Return the canonical host name of a `Host` header, without the port; `None` if the header is not valid."""
    found = _HOST.fullmatch(host or "")
    if found is None or int(found["port"] or 0) > MAX_PORT:
        return None
    name = found["name"].lower()
    if name.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(name[1:-1])}]"
        except ValueError:
            return None
    return name.removesuffix(".") or None


def is_loopback_address(address: str) -> bool:
    """Return whether a server that listens at `address` is reachable from this computer only.

    Args:
        address: host name or IP address, IPv6 with or without brackets. An empty address means all interfaces.
    """
    name = address.strip().strip("[]").lower().removesuffix(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def split_names(text: str | None) -> tuple[str, ...]:
    """Return the names in a comma-separated setting, such as `faces.example.org, 192.168.1.5`."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
