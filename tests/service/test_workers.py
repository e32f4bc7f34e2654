"""Worker threads: bounded queue, and a fair share of threads and capacity per client."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import HTTPException

from fer_lib.service.workers import Workers
from fer_lib.settings import ServiceSettings

TIMEOUT_S = 20.0
ONE, OTHER = "192.0.2.1", "192.0.2.2"


def with_workers(test: Callable[[Workers, threading.Event], Any], **settings: int) -> Any:
    """Run a coroutine with workers and an event; `workers.run(client, event.wait, TIMEOUT_S)` blocks a thread."""

    async def run() -> Any:
        workers, event = Workers(ServiceSettings(**settings)), threading.Event()
        try:
            return await asyncio.wait_for(test(workers, event), TIMEOUT_S)
        finally:
            event.set()
            workers.close()

    return asyncio.run(run())


async def start(workers: Workers, count: int, client: str | None, work: Callable[..., Any], *args: Any) -> list[Any]:
    """Start jobs and yield to the event loop, so that they are queued."""
    tasks = [asyncio.create_task(workers.run(client, work, *args)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def test_run_reserves_a_thread_for_other_clients():
    async def run_slow_jobs(workers, event):
        slow = await start(workers, 6, ONE, event.wait, TIMEOUT_S)
        response = await workers.run(OTHER, lambda: "result")
        is_any_done = any(task.done() for task in slow)
        event.set()
        return response, is_any_done, await asyncio.gather(*slow), workers.busy

    assert with_workers(run_slow_jobs, threads=2, max_waiting=10) == ("result", False, [True] * 6, 0)


def test_run_limits_one_client_to_half_of_the_capacity():
    async def run_slow_jobs(workers, event):
        await start(workers, 3, ONE, event.wait, TIMEOUT_S)
        with pytest.raises(HTTPException) as refused:
            await workers.run(ONE, lambda: None)
        await workers.run(OTHER, lambda: None)
        return refused.value.status_code

    assert with_workers(run_slow_jobs, threads=2, max_waiting=4) == 503


def test_run_does_not_limit_loopback_clients():
    async def run_two_jobs(workers, event):
        both = threading.Barrier(2)
        return await asyncio.gather(*(workers.run(None, both.wait, TIMEOUT_S) for _ in range(2)))

    assert sorted(with_workers(run_two_jobs, threads=2, max_waiting=0)) == [0, 1]


def test_run_with_one_thread_and_no_queue():
    async def run_jobs(workers, event):
        return [await workers.run(ONE, lambda: 7) for _ in range(3)]

    assert with_workers(run_jobs, threads=1, max_waiting=0) == [7, 7, 7]


def test_run_skips_cancelled_jobs():
    async def cancel_jobs(workers, event):
        done: list[int] = []
        kept = await start(workers, 1, ONE, event.wait, TIMEOUT_S)
        left = await start(workers, 4, ONE, done.append, 1)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        event.set()
        await asyncio.gather(*kept)
        await workers.run(ONE, done.append, 2)
        return done, workers.busy

    assert with_workers(cancel_jobs, threads=2, max_waiting=20) == ([2], 0)


def test_run_releases_capacity_after_an_error():
    def fail() -> None:
        raise ValueError("broken")

    async def run_jobs(workers, event):
        for _ in range(5):
            with pytest.raises(ValueError, match="broken"):
                await workers.run(ONE, fail)
        return workers.busy

    assert with_workers(run_jobs, threads=1, max_waiting=1) == 0


def test_close_cancels_waiting_jobs():
    async def close_workers(workers, event):
        running = await start(workers, 1, ONE, event.wait, TIMEOUT_S)
        waiting = await start(workers, 2, ONE, lambda: None)
        threading.Timer(0.05, event.set).start()
        await asyncio.to_thread(workers.close)
        await asyncio.gather(*running)
        results = await asyncio.gather(*waiting, return_exceptions=True)
        return [type(result) for result in results]

    assert with_workers(close_workers, threads=2, max_waiting=10) == [asyncio.CancelledError] * 2
