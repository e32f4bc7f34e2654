"""One GET of the page, and whether its websocket connection is overdue."""

from __future__ import annotations

import array
import sys
from dataclasses import dataclass, field
from weakref import WeakSet

from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.web import RequestHandler

if sys.platform != "win32":
    import fcntl
    import termios

MAX_DELAY = 5  # of the timeout on a slow link, as a multiple of `connect_timeout_s`


@dataclass(eq=False)
class Visit:
    """One GET of the page.

    Attributes:
        handler: the handler of the request.
        address: the client's address.
        streams: open TCP connections of the client.
        kernel_id: the kernel of the page; empty until it is known.
        rendered_s: when the page was rendered, in seconds of `time.monotonic`.
        loading_s: when the client last received a part of the page or its scripts, likewise.
    """

    handler: RequestHandler
    address: str
    streams: WeakSet[IOStream] = field(default_factory=WeakSet)
    kernel_id: str = ""
    rendered_s: float | None = None
    loading_s: float = 0.0

    def is_overdue(self, now_s: float, timeout_s: float) -> bool:
        """Update the times of rendering and loading, and return whether the websocket connection is overdue.

        Args:
            now_s: time in seconds of `time.monotonic`.
            timeout_s: the setting `connect_timeout_s`.
        """
        if not self.handler._finished:
            return False
        if self.rendered_s is None:
            self.rendered_s = now_s
        if self.rendered_s == now_s or any(has_unsent(stream) for stream in self.streams):
            self.loading_s = now_s
        return now_s >= min(self.loading_s, self.rendered_s + MAX_DELAY * timeout_s) + timeout_s

    def add_stream(self, request: HTTPServerRequest) -> None:
        """Add the TCP connection of a request of this client."""
        stream = getattr(request.connection, "stream", None)
        if isinstance(stream, IOStream):
            self.streams.add(stream)


def find_address(request: HTTPServerRequest) -> str:
    """Return the address of the client, from `X-Forwarded-For` behind a proxy; a client that connects directly can forge it."""
    return request.headers.get("X-Forwarded-For") or str(request.remote_ip)


def has_unsent(stream: IOStream) -> bool:
    """Return whether the peer of a TCP connection has not acknowledged all bytes that were written."""
    if stream.closed():
        return False
    if stream.writing() or sys.platform == "win32":
        return bool(stream.writing())
    unacknowledged = array.array("i", [0])
    try:
        fcntl.ioctl(stream.fileno(), termios.TIOCOUTQ, unacknowledged)  # SIOCOUTQ on Linux
    except OSError:
        return False
    return unacknowledged[0] > 0
