"""Measure how one flooding visitor affects the result rate of the other visitors.

    python -m stress.flood
    python -m stress.flood --visitors 4 --seconds 15 --json

Some visitors stream from their cameras. With one more visitor that does the same, this gives the fair rate. Then that visitor
floods the server with frames, malformed messages, or frames of the largest size. The flooding process also uses processor time,
so the same load is sent to a null websocket for comparison: the other visitors must keep at least 80 % of that rate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from typing import Any

from harness.clips import compose_clip
from harness.reporting import add_json, print_json
from harness.servers import find_kernel, serve_voila
from harness.visitor import Visitor
from stress.flooder import KINDS

CAMERA_FPS = 30.0
WARM_UP_S = 3.0
MIN_KEPT = 0.8  # share of the rate beside the same flood into a null websocket


def main() -> int:
    """Run from the shell; return 1 if the other visitors lose more than a fifth of their rate."""
    parser = argparse.ArgumentParser(
        prog="python -m stress.flood", description="Flood the live page from one visitor while others use it."
    )
    parser.add_argument("--visitors", type=int, default=4, help="number of other visitors (default: 4)")
    parser.add_argument("--seconds", type=float, default=15, help="duration of each measurement (default: 15)")
    add_json(parser)
    arguments = parser.parse_args()
    measured = measure(arguments.visitors, arguments.seconds)
    print(
        f"{'one visitor':14}{'the others':>12}{'kept':>8}{'of null':>9}{'server':>10}{'its kernel':>12}{'sent':>9}{'cut off':>9}"
    )
    for name, one in measured.items():
        print(
            f"{name:14}{one['rate']:8.1f} /s {one['kept']:8.0%}{one['kept_of_sink']:9.0%}{one['server_mb']:7.0f} MB"
            f"{one['kernel_mb']:9.0f} MB{one['sent']:9,}{one['disconnected']:9}"
        )
    print_json(arguments, measured)
    return int(min(one["kept_of_sink"] for one in measured.values()) < MIN_KEPT)


def measure(visitors: int, seconds: float) -> dict[str, dict[str, float]]:
    """Measure the other visitors beside a normal visitor (`fair`) and beside each kind of flood.

    Returns:
        For each kind: `rate`, the median of the other visitors in results per second; `slowest`, the lowest; `kept`, the
        share of the fair rate; `sink_rate`, the rate beside the same load into a null websocket, and `kept_of_sink`, the
        share of it; `server_mb` and `kernel_mb`, the largest memory (RSS) of the server and of the flooder's kernel;
        `sent`, the messages of the flooder; and `disconnected`, how often the server closed its connection.
    """
    return asyncio.run(_measure(visitors, seconds))


async def _measure(count: int, seconds: float) -> dict[str, dict[str, float]]:
    jpegs = compose_clip(90).jpegs
    measured: dict[str, dict[str, float]] = {}
    with serve_voila() as url:
        for kind in ("fair", *KINDS):
            others = [Visitor(url) for _ in range(count)]
            for visitor in others:
                await visitor.open()
            one = await _measure_kind(url, kind, others, jpegs, seconds)
            fair = measured.get("fair", one)["rate"]
            sink = one["rate"]
            if kind != "fair":
                sink = (await _measure_kind(url, kind, others, jpegs, seconds, one["sent"] / one["seconds"]))["rate"]
            shares = {"kept": _share(one["rate"], fair), "sink_rate": sink, "kept_of_sink": _share(one["rate"], sink)}
            measured[kind] = {**one, **shares}
            for visitor in others:
                visitor.close()
    return measured


def _share(rate: float, reference: float) -> float:
    return rate / reference if reference else 0.0


async def _measure_kind(
    url: str, kind: str, others: list[Visitor], jpegs: list[bytes], seconds: float, sink_rate: float | None = None
) -> dict[str, float]:
    """Measure the other visitors; with `sink_rate`, so many messages per second go to a null websocket instead."""
    total_s = WARM_UP_S + seconds
    if kind == "fair":
        neighbour = Visitor(url)
        await neighbour.open()
        streams = [visitor.stream(jpegs, CAMERA_FPS, total_s) for visitor in (*others, neighbour)]
        memory = await _measure_memory(asyncio.gather(*streams), neighbour.kernel_id)
        neighbour.close()
        flooded = {"sent": len(neighbour.result_times_s), "disconnected": 0, "seconds": total_s}
    else:
        command = [sys.executable, "-m", "stress.flooder", url, kind, str(total_s + 5)]
        command += [] if sink_rate is None else [str(sink_rate)]
        flooder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert flooder.stdout is not None
        first_line = await asyncio.to_thread(flooder.stdout.readline)
        kernel_id = json.loads(first_line)["kernel_id"] or others[0].kernel_id
        memory = await _measure_memory(
            asyncio.gather(*(visitor.stream(jpegs, CAMERA_FPS, total_s) for visitor in others)), kernel_id
        )
        output, _ = await asyncio.to_thread(flooder.communicate)
        flooded = json.loads(output.splitlines()[-1])
    # The flood lasts some seconds longer than the streams, so the last `seconds` of the streams are within the flood.
    rates = [_rate(visitor, seconds) for visitor in others]
    counts = {name: flooded[name] for name in ("sent", "disconnected", "seconds")}
    return {"rate": statistics.median(rates), "slowest": min(rates), **memory, **counts}


def _rate(visitor: Visitor, seconds: float) -> float:
    if not visitor.result_times_s:
        return 0.0
    end_s = max(visitor.result_times_s)
    return sum(answered > end_s - seconds for answered in visitor.result_times_s) / seconds


async def _measure_memory(work: Any, kernel_id: str) -> dict[str, float]:
    """Wait for `work`; return the largest memory (RSS) of the kernel and of its server during it, in MB."""
    kernel = find_kernel(kernel_id)
    server = kernel.parent()
    assert server is not None
    largest = {"server_mb": 0.0, "kernel_mb": 0.0}
    task = asyncio.ensure_future(work)
    while not task.done():
        for name, process in (("server_mb", server), ("kernel_mb", kernel)):
            if process.is_running():
                largest[name] = max(largest[name], process.memory_info().rss / 1e6)
        await asyncio.wait([task], timeout=0.5)
    await task
    return largest


if __name__ == "__main__":
    sys.exit(main())
