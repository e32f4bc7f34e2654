"""How many pictures a second the service answers, and how long each takes.

    python -m benchmarks.service
    python -m benchmarks.service --ways one two --clients 1 8 --seconds 5 --json

Each client sends a picture, waits for its faces, and sends the next one, over one connection.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from harness.clips import compose_clip
from harness.reporting import add_json, print_json
from harness.servers import ROOT, find_port, serve_service

WARM_UP_S = 2.0
# Worker threads of each process.
THREADS = {"one": 4, "two": 2, "ray": 2}
NAMES = {"one": "one process", "two": "two processes", "ray": "Ray, two replicas"}
BOUNDARY = "picture"


@dataclass
class Tally:
    """What the clients saw.

    Attributes:
        ends_s: when each answer came, on `time.perf_counter`'s clock.
        waits_ms: how long it took.
        refused: how many requests had another status than 200.
    """

    ends_s: list[float] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    refused: int = 0


def main() -> None:
    """Measure and print from the shell."""
    parser = argparse.ArgumentParser(description="Measure the service over HTTP.")
    parser.add_argument("--ways", nargs="+", choices=list(NAMES), default=list(NAMES), help="how it is served")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32], help="how many, one after another")
    parser.add_argument("--seconds", type=float, default=10, help="how long to measure each (default: 10)")
    add_json(parser)
    arguments = parser.parse_args()
    if min(arguments.clients) < 1 or arguments.seconds < 0.5:
        parser.error("--clients must be at least 1, --seconds at least 0.5")
    measured = measure(arguments.ways, sorted(arguments.clients), arguments.seconds)
    print(describe(measured))
    print_json(arguments, measured)


def measure(ways: list[str], clients: list[int], seconds: float) -> dict[str, Any]:
    """Serve in each of these ways and measure each number of clients.

    Returns:
        `cores` of this machine, and `rows`: `way`, `clients`, `requests_per_s`, `p50_ms`, `p95_ms` and `refused` of
        each.
    """
    requests = [make_request(jpeg) for faces in (1, 1, 3) for jpeg in compose_clip(8, faces).jpegs]
    rows = []
    for way in ways:
        with open_service(way) as url:
            for count in clients:
                tally = asyncio.run(ask_together(url, requests, count, WARM_UP_S + seconds))
                rows.append({"way": way, "clients": count, **sum_up(tally, seconds)})
    return {"cores": os.cpu_count(), "rows": rows}


def describe(measured: dict[str, Any]) -> str:
    """Return the figures as a table for people."""
    lines = [f"{'':20}{'clients':>9}{'requests/s':>12}{'median':>11}{'95 %':>11}{'refused':>9}"]
    for row in measured["rows"]:
        times = f"{row['p50_ms']:8.1f} ms{row['p95_ms']:8.1f} ms"
        lines.append(f"{NAMES[row['way']]:20}{row['clients']:9}{row['requests_per_s']:12.1f}{times}{row['refused']:9}")
    return "\n".join(
        [*lines, "", f"640×480 JPEG, one to three faces, everything about each; {measured['cores']} cores."]
    )


def sum_up(tally: Tally, seconds: float) -> dict[str, Any]:
    """Return the figures of the last `seconds`.

    Raises:
        RuntimeError: if there was no answer in that time.
    """
    start_s = max(tally.ends_s, default=0) - seconds
    waits_ms = [wait for end, wait in zip(tally.ends_s, tally.waits_ms, strict=True) if end > start_s]
    if not waits_ms:
        raise RuntimeError("the service must answer, but did not")
    median, late = np.percentile(waits_ms, [50, 95]).round(2).tolist()
    rate = round(len(waits_ms) / seconds, 2)
    return {"requests_per_s": rate, "p50_ms": median, "p95_ms": late, "refused": tally.refused}


def make_request(jpeg: bytes) -> bytes:
    """Return a whole request for everything about the faces of a picture."""
    name = 'Content-Disposition: form-data; name="'
    body = b"\r\n".join(
        [
            f'--{BOUNDARY}\r\n{name}model_type"\r\n\r\nfaces'.encode(),
            f'--{BOUNDARY}\r\n{name}file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode() + jpeg,
            f"--{BOUNDARY}--\r\n".encode(),
        ]
    )
    head = f"POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode() + body


async def ask_together(url: str, requests: list[bytes], clients: int, seconds: float) -> Tally:
    """Let clients ask, each over its own connection, for so long."""
    tally, stop_s = Tally(), time.perf_counter() + seconds
    await asyncio.gather(*(_ask(url, requests, number, stop_s, tally) for number in range(clients)))
    return tally


@contextmanager
def open_service(way: str) -> Iterator[str]:
    """Serve in one of the ways of `NAMES` and yield the address."""
    environment = {
        "FER_SERVICE_THREADS": str(THREADS[way]),
        "FER_SERVICE_MAX_WAITING": "1000",
        "FER_SERVICE_PROCESSES": "2" if way == "two" else "1",
    }
    with _serve_ray(environment) if way == "ray" else _serve_here(environment) as url:
        yield url


@contextmanager
def _serve_here(environment: dict[str, str]) -> Iterator[str]:
    with serve_service(environment) as (url, _):
        yield url


@contextmanager
def _serve_ray(environment: dict[str, str]) -> Iterator[str]:
    from fer_lib.local_ray import restrict_local_ray

    restrict_local_ray()
    import ray
    from ray import serve

    from fer_lib.service.ray_deployment import build

    port = find_port()
    variables = {"env_vars": {"PYTHONPATH": str(ROOT), **environment}}
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, runtime_env=variables)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        options = {"num_replicas": 2, "max_ongoing_requests": 100, "ray_actor_options": {"num_cpus": 1}}
        serve.run(build(options))
        yield f"http://127.0.0.1:{port}/"
    finally:
        serve.shutdown()
        ray.shutdown()


async def _ask(url: str, requests: list[bytes], number: int, stop_s: float, tally: Tally) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    while (start_s := time.perf_counter()) < stop_s:
        writer.write(requests[number % len(requests)])
        number += 1
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
        if head.split()[1] != b"200":
            tally.refused += 1
            continue
        end_s = time.perf_counter()
        tally.ends_s.append(end_s)
        tally.waits_ms.append((end_s - start_s) * 1000)
    writer.close()


if __name__ == "__main__":
    main()
