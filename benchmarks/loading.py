"""Measure the imports and the memory of a visitor's kernel in a fresh process.

    python -m benchmarks.loading < a.jpg

Prints one JSON object: `load_s`, the seconds to import the live page's widgets and to load the pipeline
(without the start of Python), and `memory_mb`, the resident memory of the process after a second of frames.
"""

from __future__ import annotations

import json
import sys
import time

import psutil

FRAMES = 30


def main() -> None:
    """Load the pipeline, process the image from standard input 30 times, and print the results."""
    start = time.perf_counter()
    import fer_lib.live
    from fer_lib.vision import load_pipeline

    _ = [getattr(fer_lib.live, name) for name in fer_lib.live.__all__]  # each is imported lazily
    pipeline = load_pipeline()
    load_s = time.perf_counter() - start
    image = sys.stdin.buffer.read()
    for frame in range(FRAMES):
        pipeline.process_jpeg(image, frame / FRAMES)
    print(json.dumps({"load_s": load_s, "memory_mb": psutil.Process().memory_info().rss / 1e6}))


if __name__ == "__main__":
    main()
