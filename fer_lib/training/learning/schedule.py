"""The learning rate as a function of the progress: no state to save or to restore."""

from __future__ import annotations

import math

from fer_lib.settings.training import TrainingSettings

WARM_UP = 0.25  # share of the steps in which one-cycle climbs
FLOOR = 1e-3  # what one-cycle and cosine end at, as a share of the peak


def learning_rate_at(settings: TrainingSettings, epoch: float) -> float:
    """Return the learning rate after `epoch` epochs; a fraction is a place within one.

    step: times `lr_gamma` every `lr_step_size` epochs. cosine: half a cosine down to nearly nothing
    (Loshchilov and Hutter, 2017). onecycle: up for a quarter of the time, then down likewise (Smith, 2018).
    """
    if settings.schedule == "step":
        return settings.learning_rate * settings.lr_gamma ** (int(epoch) // settings.lr_step_size)
    progress = min(epoch / settings.num_epochs, 1.0)
    if settings.schedule == "cosine":
        return settings.learning_rate * _fall(progress)
    if progress < WARM_UP:
        return settings.learning_rate * (0.04 + 0.96 * (1 - math.cos(math.pi * progress / WARM_UP)) / 2)
    return settings.learning_rate * _fall((progress - WARM_UP) / (1 - WARM_UP))


def _fall(progress: float) -> float:
    return FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * progress)) / 2
