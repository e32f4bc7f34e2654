"""Each path runs in a process of its own and sleeps while it is not its turn.

Two thread pools in one process fight, and two paths at once steal each other's time. So the paths take turns, block
by block of the same clip, and whatever else the machine does meanwhile strikes both alike.
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
BLOCK = 30  # frames a path runs before it is the other's turn
REST_S = 0.3  # after a turn torch's threads spin for a while, and would take the next path's time


@dataclass(frozen=True)
class Turn:
    """What happened in one block of frames: milliseconds of each, and the boxes `(n, 4)` found in it."""

    frame_ms: list[float]
    boxes: list[NDArray[np.float32]]


class Worker:
    """One path in a process of its own.

    Attributes:
        load_s: seconds it took to import and load.
        memory_mb: resident memory once it was warm.
    """

    def __init__(self, name: str, clip: Clip) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, name, clip), daemon=True)
        self._process.start()
        theirs.close()
        self.load_s, self.memory_mb = self._receive()

    def run(self, start: int, stop: int) -> Turn:
        """Run the path on the frames from `start` to `stop` and wait for it."""
        time.sleep(REST_S)
        self._connection.send((start, stop))
        return Turn(*self._receive())

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()

    def _receive(self) -> tuple[Any, Any]:
        try:
            return self._connection.recv()
        except EOFError:
            raise RuntimeError("the path must answer, but its process ended; its own words are above") from None


@dataclass(frozen=True)
class PathRun:
    """What a path did with its clip: milliseconds and boxes of each frame, and what it took to load it."""

    frame_ms: list[float]
    boxes: list[NDArray[np.float32]]
    load_s: float
    memory_mb: float

    @property
    def median_ms(self) -> float:
        """Return what a frame usually took."""
        return float(np.median(self.frame_ms))

    @property
    def mean_ms(self) -> float:
        """Return what a frame took on average."""
        return float(np.mean(self.frame_ms))


def take_turns(paths: Mapping[str, tuple[str, Clip]]) -> dict[str, PathRun]:
    """Run several paths, each given as the name of its module and its clip, block by block in turns.

    The clips must be of the same length.
    """
    workers = {name: Worker(*path) for name, path in paths.items()}
    length = min(len(clip) for _, clip in paths.values())
    turns: dict[str, list[Turn]] = {name: [] for name in paths}
    try:
        for start in range(0, length, BLOCK):
            for name, worker in workers.items():
                turns[name].append(worker.run(start, min(start + BLOCK, length)))
    finally:
        for worker in workers.values():
            worker.close()
    return {
        name: PathRun(
            frame_ms=[ms for turn in turns[name] for ms in turn.frame_ms],
            boxes=[boxes for turn in turns[name] for boxes in turn.boxes],
            load_s=worker.load_s,
            memory_mb=worker.memory_mb,
        )
        for name, worker in workers.items()
    }


def serve(connection: Connection, name: str, clip: Clip) -> None:
    """Load `benchmarks.<name>`, then run it on the frames that are asked for, until the process is ended."""
    start = time.perf_counter()
    process_jpeg = importlib.import_module(f"benchmarks.{name}").load_path()
    load_s = time.perf_counter() - start
    # Before the clip begins, on its own clock: what is measured later is the clip from its start.
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
