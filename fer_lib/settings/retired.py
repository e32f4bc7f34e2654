"""Names of settings of earlier versions. They are accepted for one version, with one line in the log.

A name that is a setting of the group today is never treated as retired, whatever the table contains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Retired:
    """What became of a setting.

    Attributes:
        replacement: the field that replaced it; `None` if it was removed.
        factor: what converts a value to the unit of the replacement.
        default: of a removed setting: the value without effect, for which nothing is logged.
    """

    replacement: str | None = None
    factor: float | None = None
    default: Any = None


# For the class of each group: the environment variable of the setting, and what became of it.
RETIRED = {
    "RemoteSettings": {
        "FER_SERVICE_URL": Retired("url"),
        "FER_SERVICE_TIMEOUT_S": Retired("timeout_s"),
        "FER_SERVICE_RETRY_S": Retired("retry_s"),
    },
    "ServiceSettings": {
        "FER_SERVICE_MAX_UPLOAD_BYTES": Retired("max_upload_mb", factor=1e-6),
        "FER_SERVICE_MAX_WAITING_BYTES": Retired("max_waiting_mb", factor=1e-6),
        "FER_SERVICE_BATCHING": Retired(default=False),
    },
    "EvaluationSettings": {"FER_EVALUATE_UNCERTAIN_BELOW": Retired("coverage_threshold")},
    "TrainingSettings": {
        "FER_TRAIN_TEACHER_MIRROR": Retired(default=False),
        "FER_TRAIN_REPEAT_AFTER": Retired(default=0),
        "FER_TRAIN_FROZEN_STAGES": Retired(default=0),
        "FER_TRAIN_INITIAL_SIZE": Retired(),
        "FER_TRAIN_LABEL_SMOOTHING": Retired(default=0.0),
        "FER_TRAIN_EARLY_STOPPING": Retired(default=0),
    },
}
