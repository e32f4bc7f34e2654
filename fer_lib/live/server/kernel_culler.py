"""Cull kernels without a websocket connection.

Voila starts a kernel for each GET of the page, and a client that never opens the websocket occupies that kernel until
Jupyter's culler shuts it down, ten minutes later. Here such a kernel is culled `connect_timeout_s` after the page was
delivered. On a slow link the timeout starts when all bytes of the page and of its scripts have been received, but at
most five times `connect_timeout_s` later.

A page that loses its connection may reconnect. A kernel whose last connection has been closed for
`reconnect_timeout_s` is culled too, so that clients that connect and leave occupy no kernel for longer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from jupyter_core.utils import ensure_async
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import RequestHandler

from fer_lib.live.server.visit import Visit, find_address

TICK_S = 0.5
STATIC_PATH = "/voila/"  # in the paths of scripts and styles

logger = logging.getLogger(__name__)


class RequestObserver(Matcher):
    """Routing rule that passes every request to a function and matches none."""

    def __init__(self, observe: Callable[[HTTPServerRequest], None]) -> None:
        self._observe = observe

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return `None`, so that the following rules are applied."""
        self._observe(request)
        return None


_current: ContextVar[Visit | None] = ContextVar("visit", default=None)


class KernelCuller:
    """Shut down kernels whose page does not connect or reconnect in time.

    Args:
        manager: Voila's kernel manager. It has no hook that assigns a kernel to a visitor, so the methods that return
            one are wrapped.
        timeout_s: the setting `connect_timeout_s`; 0: no timeout for the first connection.
        reconnect_s: the setting `reconnect_timeout_s`; 0: no timeout for further connections.
    """

    def __init__(self, manager: Any, timeout_s: float, reconnect_s: float = 0.0) -> None:
        self._manager = manager
        self._timeout_s = timeout_s
        self._reconnect_s = reconnect_s
        self._tick_s = min([TICK_S, *(limit_s / 4 for limit_s in (timeout_s, reconnect_s) if limit_s)])
        self._visits: set[Visit] = set()
        self._connections: Counter[str] = Counter()
        self._disconnected_s: dict[str, float] = {}  # when the last connection of a kernel was closed
        self._task: asyncio.Task[None] | None = None
        self._wrap_manager(manager)

    def add_visit(self, handler: RequestHandler) -> None:
        """Register a request for the page, to whose visit the kernel that it receives is assigned.

        Call this in the task of the request.
        """
        if not self._timeout_s:
            return
        visit = Visit(handler, find_address(handler.request))
        visit.add_stream(handler.request)
        _current.set(visit)
        self._visits.add(visit)
        self._start_task()

    def observe(self, request: HTTPServerRequest) -> None:
        """Record a request: one for a script or style means that the client is still loading a page."""
        if STATIC_PATH not in request.path:
            return
        address = find_address(request)
        for visit in self._visits:
            if visit.address == address:
                visit.add_stream(request)
                visit.loading_s = time.monotonic()

    def _start_task(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._cull_overdue())

    async def _cull_overdue(self) -> None:
        while self._visits or self._disconnected_s:
            await asyncio.sleep(self._tick_s)
            now_s = time.monotonic()
            overdue = [visit for visit in self._visits if visit.is_overdue(now_s, self._timeout_s)]
            self._visits.difference_update(overdue)
            disconnected = [
                kernel_id for kernel_id, since_s in self._disconnected_s.items() if now_s - since_s >= self._reconnect_s
            ]
            for kernel_id in disconnected:
                del self._disconnected_s[kernel_id]
            await asyncio.gather(
                *(self._cull(visit.kernel_id, self._timeout_s) for visit in overdue),
                *(self._cull(kernel_id, self._reconnect_s) for kernel_id in disconnected),
            )

    async def _cull(self, kernel_id: str, timeout_s: float) -> None:
        self._connections.pop(kernel_id, None)
        if kernel_id not in self._manager:
            return
        logger.info("culling the kernel %s, which had no connection for %g s", kernel_id, timeout_s)
        try:
            await ensure_async(self._manager.shutdown_kernel(kernel_id, now=True))
        except Exception:  # the kernel may have exited already; the loop must continue for the others
            logger.exception("the kernel %s could not be shut down", kernel_id)

    def _handle_connect(self, kernel_id: str) -> None:
        self._connections[kernel_id] += 1
        self._disconnected_s.pop(kernel_id, None)
        self._remove_visits(kernel_id)

    def _handle_disconnect(self, kernel_id: str) -> None:
        self._connections[kernel_id] -= 1
        if self._connections[kernel_id] <= 0 and self._reconnect_s:
            self._disconnected_s[kernel_id] = time.monotonic()
            self._start_task()

    def _remove_visits(self, kernel_id: str) -> None:
        self._visits.difference_update([visit for visit in self._visits if visit.kernel_id == kernel_id])

    def _wrap_manager(self, manager: Any) -> None:
        connect, disconnect = manager.notify_connect, manager.notify_disconnect

        def notify_connect(kernel_id: str) -> None:
            self._handle_connect(kernel_id)
            connect(kernel_id)

        def notify_disconnect(kernel_id: str) -> None:
            self._handle_disconnect(kernel_id)
            disconnect(kernel_id)

        manager.notify_connect, manager.notify_disconnect = notify_connect, notify_disconnect
        manager.start_kernel = _assign_kernel(manager.start_kernel, lambda kernel_id: kernel_id)
        if hasattr(manager, "get_rendered_notebook"):  # only where Voila preheats kernels
            manager.get_rendered_notebook = _assign_kernel(manager.get_rendered_notebook, lambda result: result[-1])


def _assign_kernel(method: Callable[..., Any], find_kernel_id: Callable[[Any], str]) -> Callable[..., Any]:
    """Wrap a method that returns a kernel, so that the kernel's id is assigned to the current visit."""

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = await ensure_async(method(*args, **kwargs))
        visit = _current.get()
        if visit is not None:
            visit.kernel_id = find_kernel_id(result)
        return result

    return wrapped
