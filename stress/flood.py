"""What do the others notice when one visitor floods the server?

    python -m stress.flood
    python -m stress.flood --visitors 4 --seconds 15 --json

A few visitors watch their cameras; one more does the same, which gives everybody's fair rate. Then that one sends frames as
fast as it can, garbage, or the largest frames, and the others should keep at least 80 % of their rate. The flooder's script
shares the processor with the server, and takes some of the rate by itself; so it also sends as much to a sink of its own, and
the others must keep 80 % of what they have then.
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

CAMERA = 30.0
WARM_UP_S = 3.0
WANTED = 0.8


def main() -> int:
    """Measure and print from the shell; the status is 1 if the others notice too much."""
    parser = argparse.ArgumentParser(description="Let one visitor flood the live page while others use it.")
    parser.add_argument("--visitors", type=int, default=4, help="how many others there are (default: 4)")
    parser.add_argument("--seconds", type=float, default=15, help="how long to measure each (default: 15)")
    add_json(parser)
    given = parser.parse_args()
    measured = measure(given.visitors, given.seconds)
    print(
        f"{'one visitor':14}{'the others':>12}{'kept':>8}{'of sink':>9}{'server':>10}{'its kernel':>12}{'sent':>9}{'hung up':>9}"
    )
    for name, one in measured.items():
        print(
            f"{name:14}{one['rate']:8.1f} /s {one['kept']:8.0%}{one['kept_of_sink']:9.0%}{one['server_mb']:7.0f} MB"
            f"{one['kernel_mb']:9.0f} MB{one['sent']:9,}{one['hung_up']:9}"
        )
    print_json(given, measured)
    return int(min(one["kept_of_sink"] for one in measured.values()) < WANTED)


def measure(visitors: int, seconds: float) -> dict[str, dict[str, float]]:
    """Watch the others beside a fair neighbour and beside each kind of flood.

    Returns:
        For each: the median `rate` of the others in results a second, the share of the fair one that they `kept`, the
        share of the rate beside the same flood into a sink (`sink_rate`), the largest memory (RSS) of the server and of
        the flooder's kernel, how many messages were `sent` and how often the server `hung_up`.
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
            one = await _watch(url, kind, others, jpegs, seconds)
            fair = measured.get("fair", one)["rate"]
            sink = one["rate"]
            if kind != "fair":
                sink = (await _watch(url, kind, others, jpegs, seconds, one["sent"] / one["seconds"]))["rate"]
            shares = {"kept": _share(one["rate"], fair), "sink_rate": sink, "kept_of_sink": _share(one["rate"], sink)}
            measured[kind] = {**one, **shares}
            for visitor in others:
                visitor.close()
    return measured


def _share(rate: float, whole: float) -> float:
    return rate / whole if whole else 0.0


async def _watch(
    url: str, kind: str, others: list[Visitor], jpegs: list[bytes], seconds: float, sink_rate: float | None = None
) -> dict[str, float]:
    """Watch the others for a while; with `sink_rate`, the flood goes into a sink."""
    whole_s = WARM_UP_S + seconds
    if kind == "fair":
        neighbour = Visitor(url)
        await neighbour.open()
        streams = [visitor.stream(jpegs, CAMERA, whole_s) for visitor in (*others, neighbour)]
        memory = await _while(asyncio.gather(*streams), neighbour.kernel_id)
        neighbour.close()
        told = {"sent": len(neighbour.answered_s), "hung_up": 0, "seconds": whole_s}
    else:
        command = [sys.executable, "-m", "stress.flooder", url, kind, str(whole_s + 5)]
        command += [] if sink_rate is None else [str(sink_rate)]
        flooder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert flooder.stdout is not None
        began = await asyncio.to_thread(flooder.stdout.readline)
        kernel_id = json.loads(began)["kernel_id"] or others[0].kernel_id
        memory = await _while(
            asyncio.gather(*(visitor.stream(jpegs, CAMERA, whole_s) for visitor in others)), kernel_id
        )
        said, _ = await asyncio.to_thread(flooder.communicate)
        told = json.loads(said.splitlines()[-1])
    # All end at about the same time; the flooder goes on for some seconds longer, so these are seconds of the flood.
    rates = [_rate(visitor, seconds) for visitor in others]
    counts = {name: told[name] for name in ("sent", "hung_up", "seconds")}
    return {"rate": statistics.median(rates), "slowest": min(rates), **memory, **counts}


def _rate(visitor: Visitor, seconds: float) -> float:
    if not visitor.answered_s:
        return 0.0
    end_s = max(visitor.answered_s)
    return sum(answered > end_s - seconds for answered in visitor.answered_s) / seconds


async def _while(work: Any, kernel_id: str) -> dict[str, float]:
    """Return the largest memory of the kernel and of its server while `work` goes on."""
    kernel = find_kernel(kernel_id)
    server = kernel.parent()
    assert server is not None
    largest = {"server_mb": 0.0, "kernel_mb": 0.0}
    waiting = asyncio.ensure_future(work)
    while not waiting.done():
        for name, process in (("server_mb", server), ("kernel_mb", kernel)):
            if process.is_running():
                largest[name] = max(largest[name], process.memory_info().rss / 1e6)
        await asyncio.wait([waiting], timeout=0.5)
    await waiting
    return largest


if __name__ == "__main__":
    sys.exit(main())
