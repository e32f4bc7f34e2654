"""Timings of the pipeline stages of one frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, get_args

# Stages of the pipeline, in their order; `track` includes smoothing.
Stage = Literal["decode", "follow", "detect", "track", "recognize", "total"]
STAGES: tuple[Stage, ...] = get_args(Stage)


class Stopwatch:
    """Timings by stage.

    Attributes:
        timings_ms: milliseconds by stage; repeated measurements of a stage are added.
    """

    def __init__(self) -> None:
        self.timings_ms: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Measure the duration of the `with` block; a block that raises is not counted."""
        start = perf_counter()
        yield
        self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + (perf_counter() - start) * 1000
