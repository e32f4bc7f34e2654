"""A few threads look at pictures, a few pictures wait for them, and more are refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from fer_lib.service.problems import overloaded
from fer_lib.settings import ServiceSettings

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """Threads with a short queue in front of them, so that the event loop never waits for a network.

    Attributes:
        busy: pieces of work that run or wait.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.busy = 0
        self._room = settings.threads + settings.max_waiting
        self._retry_after_s = settings.retry_after_s
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="look")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` in a thread and return what it returns.

        Raises:
            HTTPException: 503 if there is no room.
        """
        with self._lock:
            if self.busy >= self._room:
                raise overloaded(self._retry_after_s)
            self.busy += 1
        future = self._pool.submit(work, *args, **kwargs)
        # Counted until it is really over, even if nobody waits for it any more.
        future.add_done_callback(lambda _: self._leave())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let running work end, and forget what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _leave(self) -> None:
        with self._lock:
            self.busy -= 1
