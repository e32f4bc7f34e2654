"""Worker threads with a bounded queue and a fair share per client; an image beyond the capacity is refused with 503."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar

from fer_lib.service.errors import overloaded
from fer_lib.settings.service import ServiceSettings

P = ParamSpec("P")
T = TypeVar("T")

ADDRESS_SHARE = 2  # one client address has at most 1/2 of the threads and of the capacity, and at least one of each


@dataclass(eq=False)
class Job:
    """One call for a thread.

    Attributes:
        client: client key as returned by `client_key`.
        work: the call.
        result: its return value or exception; cancelled if the request was cancelled.
    """

    client: str | None
    work: Callable[[], Any]
    result: Future[Any] = field(default_factory=Future)


class Workers:
    """Thread pool with a bounded queue, so that inference never blocks the event loop.

    An image may take seconds. To prevent starvation, the jobs of one client use only a share of the threads; its further
    jobs wait in a queue of their own, so that jobs of other clients run first.

    Attributes:
        busy: jobs that run or wait.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.busy = 0
        self._capacity = settings.threads + settings.max_waiting
        self._capacity_per_client = max(self._capacity // ADDRESS_SHARE, 1)
        self._threads_per_client = max(settings.threads // ADDRESS_SHARE, 1)
        self._retry_after_s = settings.retry_after_s
        self._lock = threading.Lock()
        self._started: Counter[str] = Counter()  # jobs given to the pool
        self._waiting: dict[str, deque[Job]] = {}
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="inference")

    async def run(self, client: str | None, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `work` in a thread and return its result.

        Args:
            client: client key as returned by `client_key`; `None` is not limited.
            work: the function to call.
            args: its arguments.
            kwargs: its keyword arguments.

        Raises:
            HTTPException: 503 if the queue is full.
        """
        job = Job(client, partial(work, *args, **kwargs))
        with self._lock:
            if self.busy >= self._capacity or self._count(client) >= self._capacity_per_client:
                raise overloaded(self._retry_after_s)
            self.busy += 1
            if client is not None and self._started[client] >= self._threads_per_client:
                self._waiting.setdefault(client, deque()).append(job)
            else:
                self._start(job)
        result: T = await asyncio.wrap_future(job.result)
        return result

    def close(self) -> None:
        """Wait for running jobs, and cancel waiting ones."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for job in [job for jobs in waiting.values() for job in jobs]:
            job.result.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _count(self, client: str | None) -> int:
        return 0 if client is None else self._started[client] + len(self._waiting.get(client, ()))

    def _start(self, job: Job) -> None:
        if job.client is not None:
            self._started[job.client] += 1
        started = self._pool.submit(self._run, job)
        started.add_done_callback(lambda done: done.cancelled() and job.result.cancel())

    def _run(self, job: Job) -> None:
        if not job.result.set_running_or_notify_cancel():
            self._finish(job)
            return
        try:
            value = job.work()
        except BaseException as error:
            self._finish(job)
            job.result.set_exception(error)
        else:
            self._finish(job)
            job.result.set_result(value)

    def _finish(self, job: Job) -> None:
        """Remove a job from the counts, and start the next one of its client."""
        with self._lock:
            self.busy -= 1
            if job.client is None:
                return
            self._started[job.client] -= 1
            if jobs := self._waiting.get(job.client):
                self._start(jobs.popleft())
            elif not self._started[job.client]:
                del self._started[job.client]
                self._waiting.pop(job.client, None)
