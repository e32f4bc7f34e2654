"""Real-time face emotion detection: a small package below four notebooks and one live page."""

from fer_lib.faces import Faces
from fer_lib.labels import EMOTION_COLORS, EMOTIONS

__all__ = ["EMOTIONS", "EMOTION_COLORS", "Faces", "__version__"]
__version__ = "0.1.0"
