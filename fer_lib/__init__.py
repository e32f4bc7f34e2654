"""Real-time face emotion detection: a small package below four notebooks and one live page."""

import os

from fer_lib.faces import Faces
from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.telemetry import disable_telemetry

__all__ = ["EMOTIONS", "EMOTION_COLORS", "Faces", "__version__"]
__version__ = "0.1.0"

disable_telemetry(os.environ)  # before onnxruntime, ray or huggingface_hub can be imported
