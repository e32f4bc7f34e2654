"""How many visitors the live page serves at once, and what each costs.

    python -m benchmarks.visitors
    python -m benchmarks.visitors --visitors 12 36 --seconds 20 --json

Each visitor has a kernel and a camera of 30 frames a second of its own; scripts speak for their browsers, so
that the browsers' own work is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from typing import Any

from benchmarks.figures import draw_visitors
from harness.clips import compose_clip
from harness.reporting import add_reporting, report
from harness.servers import find_kernel, serve_voila
from harness.visitor import Visitor

CAMERA = 30.0  # frames a second
WANTED = 10.0  # results a second that make a stream live
WARM_UP_S = 5.0


def main() -> None:
    """Measure and print from the shell."""
    parser = argparse.ArgumentParser(description="Measure the live page with many visitors.")
    parser.add_argument("--visitors", type=int, nargs="+", default=[4, 8, 12, 16], help="how many, one after another")
    parser.add_argument("--seconds", type=float, default=15, help="how long to measure each (default: 15)")
    add_reporting(parser)
    arguments = parser.parse_args()
    if min(arguments.visitors) < 1 or arguments.seconds < 1:
        parser.error("--visitors and --seconds must be at least 1")
    measured = measure(sorted(arguments.visitors), arguments.seconds)
    report(arguments, measured, describe, draw_visitors)


def measure(crowds: list[int], seconds: float) -> dict[str, Any]:
    """Let crowds visit the page, one after another, each with a fresh server.

    Returns:
        `crowds`: for each its size, the results a second of the slowest, the median and the fastest visitor, the
        median delay, how much longer it is in the second half of the time than in the first (1 if nothing queues), how
        evenly the visitors are served (Jain's index, 1 if all get the same), and the memory (USS) that a visitor adds; `visitors`: the largest crowd of which everyone got at least ten
        results a second, 0 if none did; `min_results_per_s` and `memory_per_visitor_mb` of that crowd, or of the first.
    """
    jpegs = compose_clip(150, 1).jpegs
    measured = [asyncio.run(_visit(crowd, jpegs, seconds)) for crowd in crowds]
    served = [one for one in measured if one["min_results_per_s"] >= WANTED]
    best = served[-1] if served else measured[0]
    return {
        "visitors": best["visitors"] if served else 0,
        "min_results_per_s": best["min_results_per_s"],
        "memory_per_visitor_mb": best["memory_per_visitor_mb"],
        "crowds": measured,
    }


def describe(measured: dict[str, Any]) -> str:
    """Return the figures as a table for people."""
    rows = [
        f"{'visitors':>8}{'slowest':>10}{'median':>10}{'fastest':>10}{'delay':>10}{'growing':>10}{'fairness':>10}{'memory':>10}"
    ]
    for crowd in measured["crowds"]:
        rates = "".join(f"{crowd[f'{name}_results_per_s']:10.1f}" for name in ("min", "median", "max"))
        steady = f"{crowd['delay_growth']:10.2f}{crowd['fairness']:10.3f}"
        rows.append(
            f"{crowd['visitors']:8}{rates}{crowd['delay_ms']:7.0f} ms{steady}{crowd['memory_per_visitor_mb']:7.0f} MB"
        )
    return "\n".join([*rows, "", f"{measured['visitors']} visitors get at least {WANTED:.0f} results a second each."])


async def _visit(crowd: int, jpegs: list[bytes], seconds: float) -> dict[str, Any]:
    with serve_voila(environment={"FER_MAX_VISITORS": "0"}) as url:
        visitors = [Visitor(url) for _ in range(crowd)]
        for visitor in visitors:
            await visitor.open()
        await asyncio.gather(*(visitor.stream(jpegs, CAMERA, WARM_UP_S + seconds) for visitor in visitors))
        rates = sorted(visitor.rate(seconds) for visitor in visitors)
        delays = [statistics.median(visitor.delays_ms) for visitor in visitors if visitor.delays_ms]
        memory = [_kernel_memory(visitor.kernel_id) for visitor in visitors]
        for visitor in visitors:
            visitor.close()
    return {
        "visitors": crowd,
        "min_results_per_s": rates[0],
        "median_results_per_s": statistics.median(rates),
        "max_results_per_s": rates[-1],
        "delay_ms": statistics.median(delays) if delays else float("nan"),
        "delay_growth": statistics.median(_delay_growth(visitor) for visitor in visitors),
        "fairness": sum(rates) ** 2 / (len(rates) * sum(rate**2 for rate in rates)) if any(rates) else float("nan"),
        "memory_per_visitor_mb": statistics.median(memory),
    }


def _delay_growth(visitor: Visitor) -> float:
    """Return the median delay of the second half of the results over that of the first."""
    half = len(visitor.delays_ms) // 2
    if not half:
        return float("nan")
    return statistics.median(visitor.delays_ms[half:]) / statistics.median(visitor.delays_ms[:half])


def _kernel_memory(kernel_id: str) -> float:
    """Return what a kernel has for itself alone (USS), in millions of bytes."""
    return float(find_kernel(kernel_id).memory_full_info().uss) / 1e6


if __name__ == "__main__":
    main()
