"""Our pipeline, as in the live page."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fer_lib.vision import load_pipeline

Boxes = NDArray[np.float32]


def load_path() -> Callable[[bytes, float], Boxes]:
    """Load the pipeline; return a function of JPEG bytes and their time that returns boxes `(n, 4)`."""
    pipeline = load_pipeline()

    def process_jpeg(data: bytes, time_s: float) -> Boxes:
        return pipeline.process_jpeg(data, time_s).xyxy

    return process_jpeg
