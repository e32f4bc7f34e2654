"""Latency of the emotion network for one face."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from fer_lib.vision.recognition import Recognizer


def measure_latency(recognizer: Recognizer, repeats: int = 100) -> dict[str, float]:
    """Measure the time from pixels to probabilities for a batch of one face, as in the live page.

    Returns:
        median and p95 in milliseconds; other load on the computer increases both.
    """
    spec = recognizer.spec
    random = np.random.default_rng(0)
    crop = random.integers(0, 256, (1, spec.size, spec.size, spec.channels), np.uint8)
    times = []
    for _ in range(repeats + 10):
        start = perf_counter()
        recognizer.classify(crop)
        times.append(1000 * (perf_counter() - start))
    median, p95 = np.percentile(times[10:], [50, 95])  # without the warm-up runs
    return {"median": float(median), "p95": float(p95)}
