"""End kernels to which no page connects.

Voila starts a kernel for each GET of the page, and a client that never opens the websocket keeps that kernel and its
place until Jupyter's culler ends it, ten minutes later. Here such a kernel ends `connect_timeout_s` after the page was
delivered. A slow link delays that: the time starts when all bytes of the page and of its scripts have been received,
but after six times as long the kernel ends anyway.

A page that loses its connection may connect again. A kernel whose last connection has been closed for
`reconnect_timeout_s` ends too, so that a client who connects and leaves keeps no place for longer.
"""

from __future__ import annotations

import array
import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from jupyter_core.utils import ensure_async
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.routing import Matcher
from tornado.web import RequestHandler

if sys.platform != "win32":
    import fcntl
    import termios

TICK_S = 0.5
MAX_DELAY = 5  # how often `connect_timeout_s` a slow link may delay the end
VOILA = "/voila/"  # in the paths of scripts and styles

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Visit:
    """One GET of the page.

    Attributes:
        handler: answers the request.
        address: the client's address.
        streams: the client's connections; one that is closed drops out.
        kernel_id: the kernel behind the page, once it is known.
        rendered_s: when the page was rendered, on `time.monotonic`'s clock.
        loading_s: when the client last received a part of the page or its scripts.
    """

    handler: RequestHandler
    address: str
    streams: WeakSet[IOStream] = field(default_factory=WeakSet)
    kernel_id: str = ""
    rendered_s: float | None = None
    loading_s: float = 0.0

    def is_overdue(self, now_s: float, timeout_s: float) -> bool:
        """Note whether the page is still being rendered or loaded, and return whether its connection is overdue."""
        if not self.handler._finished:
            return False
        if self.rendered_s is None:
            self.rendered_s = now_s
        if self.rendered_s == now_s or any(has_unsent(stream) for stream in self.streams):
            self.loading_s = now_s
        return now_s >= min(self.loading_s, self.rendered_s + MAX_DELAY * timeout_s) + timeout_s


class Observer(Matcher):
    """Hand every request to a function and match none."""

    def __init__(self, observe: Callable[[HTTPServerRequest], None]) -> None:
        self._observe = observe

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return `None`: the rules after this one decide."""
        self._observe(request)
        return None


_current: ContextVar[Visit | None] = ContextVar("visit", default=None)


class UnconnectedKernels:
    """Watches the kernels of delivered pages until the page connects, and ends those that stay unconnected.

    Args:
        manager: Voila's kernel manager. It has no hook for the moment at which a visitor gets a kernel, so the methods
            that hand one out are wrapped.
        timeout_s: the setting `connect_timeout_s`; 0: kernels wait for their first connection for any time.
        reconnect_s: the setting `reconnect_timeout_s`; 0: likewise for another connection.
    """

    def __init__(self, manager: Any, timeout_s: float, reconnect_s: float = 0.0) -> None:
        self._manager = manager
        self._timeout_s = timeout_s
        self._reconnect_s = reconnect_s
        self._tick_s = min([TICK_S, *(limit_s / 4 for limit_s in (timeout_s, reconnect_s) if limit_s)])
        self._visits: set[Visit] = set()
        self._connections: Counter[str] = Counter()
        self._left_s: dict[str, float] = {}  # kernels without a connection, since when
        self._task: asyncio.Task[None] | None = None
        self._wrap_manager(manager)

    def expect(self, handler: RequestHandler) -> None:
        """Watch the kernel that the current request for the page will get. Call this in the task of the request."""
        if not self._timeout_s:
            return
        visit = Visit(handler, find_address(handler.request))
        _add_stream(visit, handler.request)
        _current.set(visit)
        self._visits.add(visit)
        self._begin()

    def observe(self, request: HTTPServerRequest) -> None:
        """Note a request for any file; those for scripts and styles show that a client is still loading a page."""
        if VOILA not in request.path:
            return
        address = find_address(request)
        for visit in self._visits:
            if visit.address == address:
                _add_stream(visit, request)
                visit.loading_s = time.monotonic()

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while self._visits or self._left_s:
            await asyncio.sleep(self._tick_s)
            now_s = time.monotonic()
            overdue = [visit for visit in self._visits if visit.is_overdue(now_s, self._timeout_s)]
            self._visits.difference_update(overdue)
            left = [kernel_id for kernel_id, left_s in self._left_s.items() if now_s - left_s >= self._reconnect_s]
            for kernel_id in left:
                del self._left_s[kernel_id]
            await asyncio.gather(
                *(self._end(visit.kernel_id, "connected", self._timeout_s) for visit in overdue),
                *(self._end(kernel_id, "came back", self._reconnect_s) for kernel_id in left),
            )

    async def _end(self, kernel_id: str, what: str, limit_s: float) -> None:
        self._connections.pop(kernel_id, None)
        if kernel_id not in self._manager:
            return
        logger.info("no page %s to the kernel %s within %g s: it is ended", what, kernel_id, limit_s)
        try:
            await ensure_async(self._manager.shutdown_kernel(kernel_id, now=True))
        except Exception:  # it may have ended on its own; the others must still be watched
            logger.exception("the kernel %s could not be ended", kernel_id)

    def _note_connection(self, kernel_id: str) -> None:
        self._connections[kernel_id] += 1
        self._left_s.pop(kernel_id, None)
        self._forget(kernel_id)

    def _note_disconnection(self, kernel_id: str) -> None:
        self._connections[kernel_id] -= 1
        if self._connections[kernel_id] <= 0 and self._reconnect_s:
            self._left_s[kernel_id] = time.monotonic()
            self._begin()

    def _forget(self, kernel_id: str) -> None:
        self._visits.difference_update([visit for visit in self._visits if visit.kernel_id == kernel_id])

    def _wrap_manager(self, manager: Any) -> None:
        connect, disconnect = manager.notify_connect, manager.notify_disconnect

        def notify_connect(kernel_id: str) -> None:
            self._note_connection(kernel_id)
            connect(kernel_id)

        def notify_disconnect(kernel_id: str) -> None:
            self._note_disconnection(kernel_id)
            disconnect(kernel_id)

        manager.notify_connect, manager.notify_disconnect = notify_connect, notify_disconnect
        manager.start_kernel = _assign_result(manager.start_kernel, lambda kernel_id: kernel_id)
        if hasattr(manager, "get_rendered_notebook"):  # only where Voila preheats kernels
            manager.get_rendered_notebook = _assign_result(manager.get_rendered_notebook, lambda found: found[-1])


def find_address(request: HTTPServerRequest) -> str:
    """Return the address of the client, before a proxy if there is one; a client can forge the latter."""
    return request.headers.get("X-Forwarded-For") or str(request.remote_ip)


def has_unsent(stream: IOStream) -> bool:
    """Return whether the other side of a connection has not received everything that was written."""
    if stream.closed():
        return False
    if stream.writing() or sys.platform == "win32":
        return bool(stream.writing())
    left = array.array("i", [0])
    try:
        fcntl.ioctl(stream.fileno(), termios.TIOCOUTQ, left)  # on Linux also SIOCOUTQ: bytes without acknowledgement
    except OSError:
        return False
    return left[0] > 0


def _add_stream(visit: Visit, request: HTTPServerRequest) -> None:
    stream = getattr(request.connection, "stream", None)
    if isinstance(stream, IOStream):
        visit.streams.add(stream)


def _assign_result(method: Callable[..., Any], find_kernel_id: Callable[[Any], str]) -> Callable[..., Any]:
    """Wrap a method that hands out a kernel, so that the current visit knows which one it got."""

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = await ensure_async(method(*args, **kwargs))
        visit = _current.get()
        if visit is not None:
            visit.kernel_id = find_kernel_id(result)
        return result

    return wrapped
