"""Faces of several pictures go through the emotion network together."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import Pixels
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.recognition import Recognizer


@dataclass
class Job:
    """The crops of one picture, and later what the network says of them."""

    crops: Pixels
    logits: NDArray[np.float32] | None = None
    fault: Exception | None = None


class JoiningRecognizer(Recognizer):
    """The emotion network for several threads: while it runs, what others ask gathers, and runs at once after it.

    Nobody waits for company: a picture that comes alone is looked at alone, at once.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        super().__init__(settings)
        self._gathered: list[Job] = []
        self._gathering = threading.Lock()
        self._running = threading.Lock()

    def logits(self, crops: Pixels) -> NDArray[np.float32]:
        """Return the network's raw answers to at least one crop, `(n, 7)`."""
        job = Job(crops)
        with self._gathering:
            self._gathered.append(job)
        with self._running:
            # Whoever had the network before may have taken this job along.
            if job.logits is None and job.fault is None:
                with self._gathering:
                    jobs, self._gathered = self._gathered, []
                self._run_all(jobs)
        if job.fault is not None:
            raise job.fault
        assert job.logits is not None
        return job.logits

    def _run_all(self, jobs: list[Job]) -> None:
        try:
            logits = super().logits(np.concatenate([job.crops for job in jobs]))
        except Exception as fault:  # the others must hear of it too, or they would wait for nothing
            for job in jobs:
                job.fault = fault
            return
        ends = np.cumsum([len(job.crops) for job in jobs])
        for job, rows in zip(jobs, np.split(logits, ends[:-1]), strict=True):
            job.logits = rows
