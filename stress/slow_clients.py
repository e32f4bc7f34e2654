"""Measure response times while many slow clients hold connections open (slowloris).

    python -m stress.slow_clients
    python -m stress.slow_clients --callers 500 --seconds 20 --json

Each slow client opens a connection and sends one byte of a header, or of a body, at intervals and without end. Meanwhile
another client sends normal requests, to the service and to the server of the live page.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from harness.reporting import add_json, print_json
from harness.servers import serve_service, serve_voila

CLIENTS = 200
INTERVAL_S = 0.5
HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n"
PATHS = {"service": "health", "page": "voila/static/voila.js"}


def main() -> int:
    """Run from the shell; return 1 if a normal request failed."""
    parser = argparse.ArgumentParser(
        prog="python -m stress.slow_clients",
        description="Hold connections open and measure other requests (slowloris).",
    )
    parser.add_argument("--callers", type=int, default=CLIENTS, help=f"number of slow clients (default: {CLIENTS})")
    parser.add_argument("--seconds", type=float, default=15, help="duration for each server (default: 15)")
    add_json(parser)
    arguments = parser.parse_args()
    results = {}
    for name in PATHS:
        with _serve(name) as url:
            results[name] = asyncio.run(measure(url, PATHS[name], arguments.callers, arguments.seconds))
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in results[name].items()), flush=True)
    print_json(arguments, results)
    return int(any(one["refused"] for one in results.values()))


async def measure(url: str, path: str, clients: int, seconds: float) -> dict[str, Any]:
    """Send requests for a path while half of the slow clients send a header and half of them a body.

    Returns:
        `held`, slow connections that are open at the end; `answered` and `refused`, normal requests that succeeded and
        failed; `alone_ms` and `crowded_ms`, their median time without and with the slow clients; and `grown_mb`, the
        memory (RSS) that the slow clients cost the server.
    """
    alone = [await _request(url + path) for _ in range(20)]
    server = _find_server(url)
    before_mb = server.memory_info().rss / 1e6
    slow = [asyncio.create_task(send_slowly(url, HEAD if number % 2 else BODY)) for number in range(clients)]
    await asyncio.sleep(1)
    start, times = time.monotonic(), []
    while time.monotonic() - start < seconds:
        times.append(await _request(url + path))
        await asyncio.sleep(0.1)
    held = sum(not one.done() for one in slow)
    grown_mb = server.memory_info().rss / 1e6 - before_mb
    for one in slow:
        one.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    answered = [ms for ms in times if ms is not None]
    return {
        "held": held,
        "answered": len(answered),
        "refused": len(times) - len(answered),
        "alone_ms": round(statistics.median(ms for ms in alone if ms is not None), 1),
        "crowded_ms": round(statistics.median(answered), 1) if answered else None,
        "grown_mb": round(grown_mb, 1),
    }


async def send_slowly(url: str, start: bytes) -> None:
    """Send a request byte by byte without end; return when the server closes the connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(start % (parts.path + "infer").encode())
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(reader.read(1000), INTERVAL_S)
    finally:
        writer.close()


async def _request(url: str) -> float | None:
    """Return the time of a request in milliseconds, `None` if it failed."""
    start = time.monotonic()
    try:
        await AsyncHTTPClient(force_instance=True).fetch(url, request_timeout=10)
    except (OSError, HTTPClientError):
        return None
    return (time.monotonic() - start) * 1000


@contextmanager
def _serve(name: str) -> Iterator[str]:
    if name == "page":
        with serve_voila() as url:
            yield url
    else:
        with serve_service() as (url, _):
            yield url


def _find_server(url: str) -> psutil.Process:
    port = urlsplit(url).port
    for connection in psutil.Process().net_connections() + psutil.net_connections("tcp"):
        if connection.status == "LISTEN" and connection.laddr.port == port and connection.pid:
            return psutil.Process(connection.pid)
    raise RuntimeError(f"a process must listen on port {port}, but none does")


if __name__ == "__main__":
    sys.exit(main())
