"""Measure the live page with many visitors: results per second, delay, fairness and memory.

    python -m benchmarks.visitors
    python -m benchmarks.visitors --visitors 12 36 --seconds 20 --json

Each visitor has its own kernel and a camera of 30 frames per second; visitors are scripts, so that the load of browsers is
not measured.
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

CAMERA_FPS = 30.0  # frames per second
MIN_RATE = 10.0  # results per second that count as served
WARM_UP_S = 5.0


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(description="Measure the live page with many visitors.")
    parser.add_argument(
        "--visitors",
        type=int,
        nargs="+",
        default=[4, 8, 12, 16],
        help="numbers of visitors, measured one after another",
    )
    parser.add_argument("--seconds", type=float, default=15, help="duration of each measurement (default: 15)")
    add_reporting(parser)
    arguments = parser.parse_args()
    if min(arguments.visitors) < 1 or arguments.seconds < 1:
        parser.error("--visitors and --seconds must be at least 1")
    measured = measure(sorted(arguments.visitors), arguments.seconds)
    report(arguments, measured, format_table, draw_visitors)


def measure(crowds: list[int], seconds: float) -> dict[str, Any]:
    """Measure each number of visitors with a new server.

    Returns:
        `crowds`, for each number of visitors: `visitors`; `min_`, `median_` and `max_results_per_s`; `delay_ms`, the median
        delay; `delay_growth`, its ratio between the second and the first half (1 without a queue); `fairness`, Jain's
        index (1 if all rates are equal); and `memory_per_visitor_mb`, the memory of a kernel (USS). `visitors`, the largest
        number of which each got at least ten results per second, 0 if none; and `min_results_per_s` and
        `memory_per_visitor_mb` of that number, or of the first.
    """
    jpegs = compose_clip(150, 1).jpegs
    measured = [asyncio.run(_measure_crowd(crowd, jpegs, seconds)) for crowd in crowds]
    served = [one for one in measured if one["min_results_per_s"] >= MIN_RATE]
    best = served[-1] if served else measured[0]
    return {
        "visitors": best["visitors"] if served else 0,
        "min_results_per_s": best["min_results_per_s"],
        "memory_per_visitor_mb": best["memory_per_visitor_mb"],
        "crowds": measured,
    }


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    rows = [
        f"{'visitors':>8}{'slowest':>10}{'median':>10}{'fastest':>10}{'delay':>10}{'growing':>10}{'fairness':>10}{'memory':>10}"
    ]
    for crowd in measured["crowds"]:
        rates = "".join(f"{crowd[f'{name}_results_per_s']:10.1f}" for name in ("min", "median", "max"))
        steady = f"{crowd['delay_growth']:10.2f}{crowd['fairness']:10.3f}"
        rows.append(
            f"{crowd['visitors']:8}{rates}{crowd['delay_ms']:7.0f} ms{steady}{crowd['memory_per_visitor_mb']:7.0f} MB"
        )
    return "\n".join(
        [*rows, "", f"{measured['visitors']} visitors get at least {MIN_RATE:.0f} results per second each."]
    )


async def _measure_crowd(crowd: int, jpegs: list[bytes], seconds: float) -> dict[str, Any]:
    with serve_voila(environment={"FER_MAX_VISITORS": "0"}) as url:
        visitors = [Visitor(url) for _ in range(crowd)]
        for visitor in visitors:
            await visitor.open()
        await asyncio.gather(*(visitor.stream(jpegs, CAMERA_FPS, WARM_UP_S + seconds) for visitor in visitors))
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
    """Return the memory of a kernel without shared pages (USS), in MB."""
    return float(find_kernel(kernel_id).memory_full_info().uss) / 1e6


if __name__ == "__main__":
    main()
