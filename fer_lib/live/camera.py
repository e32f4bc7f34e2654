"""Where frames come from: the camera, or a file that stands in for it."""

from __future__ import annotations

from pathlib import Path

from ipywebrtc import CameraStream, ImageStream, VideoStream
from ipywebrtc.webrtc import MediaStream

from fer_lib.settings.live import LiveSettings

VIDEOS = (".mp4", ".webm", ".ogv", ".mov")
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def open_source(source: str | Path | None = None, settings: LiveSettings | None = None) -> MediaStream:
    """Return the stream to show: the camera by default, or a video or picture file.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is neither a video nor a picture that browsers play.
    """
    if source is None:
        return open_camera(settings)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"`source` must be a file, but there is none at {path}; `None` opens the camera")
    if path.suffix.lower() in VIDEOS:
        stream = VideoStream.from_file(str(path))
        stream.video.loop = True
        return stream
    if path.suffix.lower() in IMAGES:
        return ImageStream.from_file(str(path))
    known = ", ".join(VIDEOS + IMAGES)
    raise ValueError(f"`source` must end in one of {known}, but got {path.name!r}")


def open_camera(settings: LiveSettings | None = None) -> CameraStream:
    """Return the camera that faces the visitor, as video without sound.

    Size and rate are wishes: a camera that can't fulfil them opens with the nearest that it has. Nothing
    is switched on before the page asks for the stream.
    """
    settings = settings or LiveSettings.load()
    width = settings.capture_width
    wishes = {"width": width, "height": width * 3 // 4, "frameRate": settings.target_rate}
    video = {name: {"ideal": value} for name, value in wishes.items()} | {"facingMode": "user"}
    return CameraStream(constraints={"audio": False, "video": video})
