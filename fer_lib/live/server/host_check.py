"""Host header check of the stand-alone page against DNS rebinding: 403 for all paths under another host name.

By DNS rebinding a web site resolves its own name to this computer, and its scripts then have the same origin as the
page. Voila has no check of its own: it sets `allow_remote_access`, which disables that of Jupyter Server, and its
handlers of static files have none. So the check is a routing rule before all others.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import Application, RequestHandler

from fer_lib.hosts import ANY_HOST, is_local_host, is_loopback_address, parse_host, split_names
from fer_lib.settings.server import ServerSettings

MAX_NAME = 253  # characters of a name in DNS
VARIABLE = ServerSettings.variable("allowed_hosts")


def add_host_check(app: Application, address: str, names: str | None) -> None:
    """Reject requests to an application whose `Host` header is not allowed.

    Args:
        app: the application, before its own handlers are added.
        address: the address that the server listens on.
        names: the setting `allowed_hosts`: names separated by commas, or `*`.
    """
    is_local = is_loopback_address(address)
    allowed = {address, *split_names(names)} if is_local else {address, *get_local_names(), *split_names(names)}
    app.add_handlers(".*", [(DisallowedHost(allowed, any_address=not is_local), Forbidden)])


class DisallowedHost(Matcher):
    """Match requests whose `Host` header is missing, repeated, or neither local nor allowed.

    Args:
        allowed: host names and IP addresses; `*` allows all.
        any_address: whether every IP address is allowed. DNS rebinding needs a name, so an address is safe, and a
            server that other computers can reach may have addresses that it cannot list.
    """

    def __init__(self, allowed: Collection[str], any_address: bool) -> None:
        self.allowed = frozenset(allowed)
        self.any_address = any_address

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return no arguments for the handler if the request matches, else `None`."""
        return None if self.is_allowed(request.headers.get_list("Host")) else {}

    def is_allowed(self, hosts: list[str]) -> bool:
        """Return whether a request with these `Host` headers is allowed."""
        if ANY_HOST in self.allowed:
            return True
        if len(hosts) != 1:
            return False
        return is_local_host(hosts[0], self.allowed) or (self.any_address and _is_address(hosts[0]))


class Forbidden(RequestHandler):
    """Respond to every method with 403 and an error message."""

    def prepare(self) -> None:
        """Finish the request before any method of it runs."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Connection", "close")
        self.finish(format_refusal(self.request.headers.get("Host")))


def format_refusal(host: str | None) -> str:
    """Return the error message for a `Host` header that is not allowed."""
    name = parse_host(host)
    remedy = f"{VARIABLE}={name if name and len(name) <= MAX_NAME else 'faces.example.org'} make app"
    return (
        f"`Host` must be localhost, 127.0.0.1, [::1] or one of the names in the setting {VARIABLE}, but got "
        f"{(host or '')[:100]!r}. Open the page at localhost, or restart it with this name: {remedy}\n"
    )


def get_local_names() -> set[str]:
    """Return the names of this computer in its local network."""
    name = socket.gethostname()
    return {name, f"{name}.local"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address((parse_host(host) or "").strip("[]"))
    except ValueError:
        return False
    return True
