"""Time of each stage of the pipeline for one frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, get_args

# Stages of the pipeline, in their order; `track` includes smoothing.
Stage = Literal["decode", "follow", "detect", "track", "recognize", "total"]
STAGES: tuple[Stage, ...] = get_args(Stage)


class Stopwatch:
    """The stages measured so far.

    Attributes:
        timings_ms: milliseconds by stage; a stage that is measured twice adds up.
    """

    def __init__(self) -> None:
        self.timings_ms: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Measure what happens inside the `with` block; one that fails is not counted."""
        start = perf_counter()
        yield
        self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + (perf_counter() - start) * 1000
