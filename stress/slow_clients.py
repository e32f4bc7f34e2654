"""Are the others still answered while many callers take their time (slowloris)?

    python -m stress.slow_clients
    python -m stress.slow_clients --callers 500 --seconds 20 --json

Each slow caller opens a connection and sends one byte of a header, or of a body, now and then, for ever. Meanwhile another one
asks in the usual way, of the service and of the server of the live page.
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

CALLERS = 200
EVERY_S = 0.5
HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n"
USUAL = {"service": "health", "page": "voila/static/voila.js"}


def main() -> int:
    """Try and print from the shell; the status is 1 if somebody was not answered."""
    parser = argparse.ArgumentParser(description="Hold many connections open while others ask.")
    parser.add_argument("--callers", type=int, default=CALLERS, help=f"slow ones (default: {CALLERS})")
    parser.add_argument("--seconds", type=float, default=15, help="for each server (default: 15)")
    add_json(parser)
    given = parser.parse_args()
    found = {}
    for name in USUAL:
        with _serve(name) as url:
            found[name] = asyncio.run(crowd(url, USUAL[name], given.callers, given.seconds))
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found[name].items()), flush=True)
    print_json(given, found)
    return int(any(one["refused"] for one in found.values()))


async def crowd(url: str, path: str, callers: int, seconds: float) -> dict[str, Any]:
    """Ask a server for a path again and again while half of the slow callers write a header and half a body.

    Returns:
        How many slow callers were `held` open at the end, how many usual requests were `answered` and `refused`, their
        median time alone and in the crowd in milliseconds, and what memory the crowd costs in MB.
    """
    alone = [await _ask(url + path) for _ in range(20)]
    server = _find_server(url)
    before_mb = server.memory_info().rss / 1e6
    slow = [asyncio.create_task(call_slowly(url, HEAD if number % 2 else BODY)) for number in range(callers)]
    await asyncio.sleep(1)
    start, times = time.monotonic(), []
    while time.monotonic() - start < seconds:
        times.append(await _ask(url + path))
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


async def call_slowly(url: str, start: bytes) -> None:
    """Begin a request and never come to its end; return when the server has had enough."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(start % (where.path + "infer").encode())
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(reader.read(1000), EVERY_S)
    finally:
        writer.close()


async def _ask(url: str) -> float | None:
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
    raise RuntimeError(f"a server must listen at port {port}, but there is none")


if __name__ == "__main__":
    sys.exit(main())
