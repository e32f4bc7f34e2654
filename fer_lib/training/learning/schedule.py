"""Learning-rate schedules as stateless functions of the epoch, so that resuming needs no scheduler state."""

from __future__ import annotations

import math

from fer_lib.settings.training import TrainingSettings

WARM_UP = 0.25  # fraction of the steps in which the one-cycle schedule rises
FLOOR = 1e-3  # final learning rate of one-cycle and cosine, relative to the peak


def learning_rate_at(settings: TrainingSettings, epoch: float) -> float:
    """Return the learning rate after `epoch` epochs, which may be fractional.

    step: multiplied by `lr_gamma` every `lr_step_size` epochs. cosine: half a cosine from the peak to `FLOOR` (Loshchilov and
    Hutter, 2017). onecycle: cosine rise for a quarter of the epochs, then cosine decay (Smith, 2018).
    """
    if settings.schedule == "step":
        return settings.learning_rate * settings.lr_gamma ** (int(epoch) // settings.lr_step_size)
    progress = min(epoch / settings.num_epochs, 1.0)
    if settings.schedule == "cosine":
        return settings.learning_rate * _cosine_decay(progress)
    if progress < WARM_UP:
        return settings.learning_rate * (0.04 + 0.96 * (1 - math.cos(math.pi * progress / WARM_UP)) / 2)
    return settings.learning_rate * _cosine_decay((progress - WARM_UP) / (1 - WARM_UP))


def _cosine_decay(progress: float) -> float:
    return FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * progress)) / 2
