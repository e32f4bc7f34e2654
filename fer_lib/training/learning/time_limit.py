"""A limit on the time of a training: as many epochs as fit, with the schedule of the learning rate fitted to them."""

from __future__ import annotations

import statistics
import time
from typing import Any

from accelerate.utils import broadcast_object_list

from fer_lib.settings.training import TrainingSettings

RECENT = 5  # epochs whose median duration predicts the next


class EpochTimer:
    """Measures epochs and plans how many fit into `time_limit_s`.

    Args:
        metrics: the epochs so far of a run that is resumed; their `elapsed_s` counts.
    """

    def __init__(self, metrics: list[dict[str, Any]]) -> None:
        self._elapsed_s = metrics[-1].get("elapsed_s", 0.0) if metrics else 0.0
        self._next_epoch = metrics[-1]["epoch"] + 1 if metrics else 0
        self._durations: list[float] = []
        self._since_s = time.perf_counter()

    def plan(self, settings: TrainingSettings) -> TrainingSettings:
        """Return the settings with the number of epochs that fit into the limit; before one was measured: as they are.

        Of several processes, the first decides.
        """
        if not settings.time_limit_s or not self._durations:
            return settings
        left_s = settings.time_limit_s - self._elapsed_s
        fitting = self._next_epoch + max(int(left_s / statistics.median(self._durations[-RECENT:])), 0)
        shared = broadcast_object_list([min(fitting, settings.num_epochs)])[0]
        return settings.model_copy(update={"num_epochs": shared})

    def stamp(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Note the end of an epoch, and add to its metrics how long the training has taken, as `elapsed_s`."""
        now_s = time.perf_counter()
        self._durations.append(now_s - self._since_s)
        self._elapsed_s += self._durations[-1]
        self._since_s, self._next_epoch = now_s, metrics["epoch"] + 1
        metrics["elapsed_s"] = self._elapsed_s
        return metrics
