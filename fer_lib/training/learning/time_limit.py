"""Time limit of a training: the number of epochs, and with it the learning-rate schedule, is fitted to the remaining time."""

from __future__ import annotations

import statistics
import time
from typing import Any

from accelerate.utils import broadcast_object_list

from fer_lib.settings.training import TrainingSettings

RECENT = 5  # epochs whose median duration estimates the next


class EpochTimer:
    """Measures the duration of epochs and computes how many fit into `time_limit_s`.

    Args:
        metrics: metrics of the epochs before resuming; their `elapsed_s` counts towards the limit.
    """

    def __init__(self, metrics: list[dict[str, Any]]) -> None:
        self._elapsed_s = metrics[-1].get("elapsed_s", 0.0) if metrics else 0.0
        self._next_epoch = metrics[-1]["epoch"] + 1 if metrics else 0
        self._durations: list[float] = []
        self._since_s = time.perf_counter()

    def plan(self, settings: TrainingSettings) -> TrainingSettings:
        """Return the settings with `num_epochs` reduced to the limit; unchanged before the first measured epoch.

        With several processes, the value of the main process is broadcast.
        """
        if not settings.time_limit_s or not self._durations:
            return settings
        left_s = settings.time_limit_s - self._elapsed_s
        fitting = self._next_epoch + max(int(left_s / statistics.median(self._durations[-RECENT:])), 0)
        shared = broadcast_object_list([min(fitting, settings.num_epochs)])[0]
        return settings.model_copy(update={"num_epochs": shared})

    def record_epoch(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Record the end of an epoch, and add the training time so far to its metrics, as `elapsed_s` in seconds."""
        now_s = time.perf_counter()
        self._durations.append(now_s - self._since_s)
        self._elapsed_s += self._durations[-1]
        self._since_s, self._next_epoch = now_s, metrics["epoch"] + 1
        metrics["elapsed_s"] = self._elapsed_s
        return metrics
