"""Prometheus metrics: requests by path and status, their duration, frames of streams, and current load."""

from __future__ import annotations

import os
from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator.metrics import Info

BUCKETS_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10)
UNTEMPLATED = "none"  # the instrumentator's name of all paths that match no route


class Metrics:
    """Metrics of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("fer_requests", "HTTP requests.", ["path", "status"], registry=self._registry)
        self._seconds = Histogram(
            "fer_request_seconds",
            "Duration of HTTP requests in seconds.",
            ["path"],
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self.frames = Counter("fer_stream_frames", "Frames of streams.", ["outcome"], registry=self._registry)
        self._busy = self._create_gauge("fer_busy", "Images being processed or waiting.")
        self._streams = self._create_gauge("fer_streams", "Open streams.")

    def instrument(self, app: FastAPI) -> None:
        """Add the middleware that measures HTTP requests. Call it after adding all others, which it must enclose."""
        Instrumentator(should_group_status_codes=False, registry=self._registry).add(self._observe).instrument(app)

    def set_gauges(self, busy: Callable[[], int], streams: Callable[[], int]) -> None:
        """Set the functions whose values the gauges expose; multi-process mode does not support this."""
        if not _is_multiprocess():
            self._busy.set_function(busy)
            self._streams.set_function(streams)

    def expose(self) -> bytes:
        """Return all metrics in Prometheus' text format; with several processes, their sums."""
        registry = self._registry
        if _is_multiprocess():
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry)

    def _observe(self, info: Info) -> None:
        path = "other" if info.modified_handler == UNTEMPLATED else info.modified_handler
        self._requests.labels(path, info.modified_status).inc()
        self._seconds.labels(path).observe(info.modified_duration)

    def _create_gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(name, documentation, registry=self._registry, multiprocess_mode="livesum")


def _is_multiprocess() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ
