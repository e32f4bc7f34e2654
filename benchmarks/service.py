"""Measure requests per second and response times of the HTTP service.

    python -m benchmarks.service
    python -m benchmarks.service --ways one two --clients 1 8 --seconds 5 --json

Each client sends an image, waits for its faces, and sends the next one, over one connection.
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
BOUNDARY = "image"


@dataclass
class ResponseTimes:
    """Responses to all clients.

    Attributes:
        ends_s: arrival time of each response (`time.perf_counter`).
        waits_ms: response times.
        refused: number of responses with another status than 200.
    """

    ends_s: list[float] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    refused: int = 0


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description="Measure the service over HTTP.")
    parser.add_argument("--ways", nargs="+", choices=list(NAMES), default=list(NAMES), help="kinds of server")
    parser.add_argument(
        "--clients", type=int, nargs="+", default=[1, 8, 32], help="numbers of clients, measured one after another"
    )
    parser.add_argument("--seconds", type=float, default=10, help="duration of each measurement (default: 10)")
    add_json(parser)
    arguments = parser.parse_args()
    if min(arguments.clients) < 1 or arguments.seconds < 0.5:
        parser.error("--clients must be at least 1, --seconds at least 0.5")
    measured = measure(arguments.ways, sorted(arguments.clients), arguments.seconds)
    print(format_table(measured))
    print_json(arguments, measured)


def measure(ways: list[str], clients: list[int], seconds: float) -> dict[str, Any]:
    """Measure each number of clients with each kind of server.

    Returns:
        `cores` of this computer, and `rows` of `way`, `clients`, `requests_per_s`, `p50_ms`, `p95_ms` and `refused`.
    """
    requests = [make_request(jpeg) for faces in (1, 1, 3) for jpeg in compose_clip(8, faces).jpegs]
    rows = []
    for way in ways:
        with open_service(way) as url:
            for count in clients:
                times = asyncio.run(send_concurrently(url, requests, count, WARM_UP_S + seconds))
                rows.append({"way": way, "clients": count, **summarize(times, seconds)})
    return {"cores": os.cpu_count(), "rows": rows}


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    lines = [f"{'':20}{'clients':>9}{'requests/s':>12}{'median':>11}{'95 %':>11}{'refused':>9}"]
    for row in measured["rows"]:
        times = f"{row['p50_ms']:8.1f} ms{row['p95_ms']:8.1f} ms"
        lines.append(f"{NAMES[row['way']]:20}{row['clients']:9}{row['requests_per_s']:12.1f}{times}{row['refused']:9}")
    return "\n".join([*lines, "", f"640×480 JPEG, one to three faces; {measured['cores']} cores."])


def summarize(times: ResponseTimes, seconds: float) -> dict[str, Any]:
    """Return rate and response times of the last `seconds`.

    Raises:
        RuntimeError: if there was no response in that time.
    """
    start_s = max(times.ends_s, default=0) - seconds
    waits_ms = [wait for end, wait in zip(times.ends_s, times.waits_ms, strict=True) if end > start_s]
    if not waits_ms:
        raise RuntimeError(f"the service must respond, but there was no response in {seconds} seconds")
    median, late = np.percentile(waits_ms, [50, 95]).round(2).tolist()
    rate = round(len(waits_ms) / seconds, 2)
    return {"requests_per_s": rate, "p50_ms": median, "p95_ms": late, "refused": times.refused}


def make_request(jpeg: bytes) -> bytes:
    """Return a complete HTTP request for the faces of an image."""
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


async def send_concurrently(url: str, requests: list[bytes], clients: int, seconds: float) -> ResponseTimes:
    """Send requests from concurrent clients, each over its own connection, for `seconds`."""
    times, stop_s = ResponseTimes(), time.perf_counter() + seconds
    await asyncio.gather(*(_send_requests(url, requests, number, stop_s, times) for number in range(clients)))
    return times


@contextmanager
def open_service(way: str) -> Iterator[str]:
    """Start one of the kinds of server in `NAMES`; yield its address."""
    environment = {
        "FER_SERVICE_THREADS": str(THREADS[way]),
        "FER_SERVICE_MAX_WAITING": "1000",
        "FER_SERVICE_PROCESSES": "2" if way == "two" else "1",
    }
    with _serve_ray(environment) if way == "ray" else _serve_processes(environment) as url:
        yield url


@contextmanager
def _serve_processes(environment: dict[str, str]) -> Iterator[str]:
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


async def _send_requests(url: str, requests: list[bytes], number: int, stop_s: float, times: ResponseTimes) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    while (start_s := time.perf_counter()) < stop_s:
        writer.write(requests[number % len(requests)])
        number += 1
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
        if head.split()[1] != b"200":
            times.refused += 1
            continue
        end_s = time.perf_counter()
        times.ends_s.append(end_s)
        times.waits_ms.append((end_s - start_s) * 1000)
    writer.close()


if __name__ == "__main__":
    main()
