"""Retired names of settings, accepted for one version with a warning in the log.

A current name of the group is never treated as retired, whatever the table contains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Retired:
    """Replacement of a retired setting.

    Attributes:
        replacement: the field that replaced it; `None` if it was removed.
        factor: converts a value to the unit of the replacement; `None`: unchanged.
        default: for a removed setting, the value for which nothing is logged.
    """

    replacement: str | None = None
    factor: float | None = None
    default: Any = None


# Class of the group → environment variable → replacement.
RETIRED = {
    "VisionSettings": {"FER_TRACK_PATIENCE_S": Retired("track_timeout_s")},  # words: allow
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
