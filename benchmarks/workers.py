"""Run pipelines in separate processes, in alternating blocks of the same clip.

Two thread pools in one process, or two pipelines at the same time, slow each other down. With alternating blocks, other load
on the computer affects all pipelines alike.
"""

from __future__ import annotations

import importlib
import multiprocessing
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from harness.clips import Clip

WARM_UP = 10  # frames
BLOCK_FRAMES = 30  # frames per block
REST_S = 0.3  # torch's threads keep spinning after a block, which would slow the next pipeline down


@dataclass(frozen=True)
class Block:
    """Times in milliseconds and boxes `(n, 4)` of the frames of one block."""

    frame_ms: list[float]
    boxes: list[NDArray[np.float32]]


class Worker:
    """A pipeline in its own process.

    Attributes:
        load_s: seconds to import and load it.
        memory_mb: memory (RSS) after the warm-up.
    """

    def __init__(self, name: str, clip: Clip) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, name, clip), daemon=True)
        self._process.start()
        theirs.close()
        self.load_s, self.memory_mb = self._receive()

    def run(self, start: int, stop: int) -> Block:
        """Process the frames from `start` to `stop` (exclusive) and wait for the results."""
        time.sleep(REST_S)
        self._connection.send((start, stop))
        return Block(*self._receive())

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()

    def _receive(self) -> tuple[Any, Any]:
        try:
            return self._connection.recv()
        except EOFError:
            raise RuntimeError(
                "the pipeline must respond, but its process ended; see its error message above"
            ) from None


@dataclass(frozen=True)
class PathRun:
    """Times and boxes of each frame of a clip, and the cost of loading."""

    frame_ms: list[float]
    boxes: list[NDArray[np.float32]]
    load_s: float
    memory_mb: float

    @property
    def median_ms(self) -> float:
        """Median time per frame in milliseconds."""
        return float(np.median(self.frame_ms))

    @property
    def mean_ms(self) -> float:
        """Mean time per frame in milliseconds."""
        return float(np.mean(self.frame_ms))


def run_alternating(paths: Mapping[str, tuple[str, Clip]]) -> dict[str, PathRun]:
    """Run several pipelines, each given as its module name and its clip, in alternating blocks.

    The clips must be of the same length.
    """
    workers = {name: Worker(*path) for name, path in paths.items()}
    length = min(len(clip) for _, clip in paths.values())
    blocks: dict[str, list[Block]] = {name: [] for name in paths}
    try:
        for start in range(0, length, BLOCK_FRAMES):
            for name, worker in workers.items():
                blocks[name].append(worker.run(start, min(start + BLOCK_FRAMES, length)))
    finally:
        for worker in workers.values():
            worker.close()
    return {
        name: PathRun(
            frame_ms=[ms for block in blocks[name] for ms in block.frame_ms],
            boxes=[boxes for block in blocks[name] for boxes in block.boxes],
            load_s=worker.load_s,
            memory_mb=worker.memory_mb,
        )
        for name, worker in workers.items()
    }


def serve(connection: Connection, name: str, clip: Clip) -> None:
    """Load `benchmarks.<name>` and process requested frames until the process is terminated."""
    start = time.perf_counter()
    process_jpeg = importlib.import_module(f"benchmarks.{name}").load_path()
    load_s = time.perf_counter() - start
    # Times before the start of the clip, so that the measured frames begin with a new stream.
    for frame in range(WARM_UP):
        process_jpeg(clip.jpegs[frame % len(clip)], frame - 1000.0)
    connection.send((load_s, psutil.Process().memory_info().rss / 1e6))
    while True:
        first, last = connection.recv()
        frame_ms, boxes = [], []
        for jpeg, time_s in zip(clip.jpegs[first:last], clip.times_s[first:last], strict=True):
            start = time.perf_counter()
            boxes.append(process_jpeg(jpeg, float(time_s)))
            frame_ms.append((time.perf_counter() - start) * 1000)
        connection.send((frame_ms, boxes))
