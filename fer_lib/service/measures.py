"""What Prometheus is told: how many requests, how long they took, how many wait."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BOUNDS_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10)


class Measures:
    """Counters of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter("fer_requests", "Requests answered.", ["path", "status"], registry=self._registry)
        self.seconds = Histogram(
            "fer_request_seconds",
            "Seconds to the end of an answer.",
            ["path"],
            buckets=BOUNDS_S,
            registry=self._registry,
        )
        self.frames = Counter("fer_stream_frames", "Frames of streams.", ["outcome"], registry=self._registry)
        self.busy = self._gauge("fer_busy", "Pictures that are looked at or wait.")
        self.streams = self._gauge("fer_streams", "Streams that are open.")

    def watch(self, busy: Callable[[], int], streams: Callable[[], int]) -> None:
        """Read these numbers whenever somebody asks; of several processes they are not told."""
        if not _several_processes():
            self.busy.set_function(busy)
            self.streams.set_function(streams)

    def write(self) -> bytes:
        """Return everything in Prometheus' text format; with several processes, their sum."""
        registry = self._registry
        if _several_processes():
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, registry=self._registry, multiprocess_mode="livesum")


class RequestMeasure:
    """Counts the requests that go through to an application."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note its path, its status and its time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            # Only paths that exist: what strangers make up must not fill the memory.
            path = getattr(scope.get("route"), "path", "other")
            self._measures.requests.labels(path, str(status)).inc()
            self._measures.seconds.labels(path).observe(time.perf_counter() - start)


def _several_processes() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ
