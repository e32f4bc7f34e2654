"""Settings with units, ranges and defaults: one module per consumer.

All groups are imported here, so that `Settings.load` accepts the names of the other groups whichever module is imported.
"""

from fer_lib.settings.base import Settings
from fer_lib.settings.evaluation import EvaluationSettings
from fer_lib.settings.live import LiveSettings
from fer_lib.settings.remote import RemoteSettings
from fer_lib.settings.server import ServerSettings
from fer_lib.settings.service import ServiceSettings
from fer_lib.settings.training import TrainingSettings
from fer_lib.settings.vision import VisionSettings

__all__ = [
    "GROUPS",
    "EvaluationSettings",
    "LiveSettings",
    "RemoteSettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "TrainingSettings",
    "VisionSettings",
]

GROUPS: tuple[type[Settings], ...] = (
    VisionSettings,
    LiveSettings,
    RemoteSettings,
    ServerSettings,
    TrainingSettings,
    EvaluationSettings,
    ServiceSettings,
)
