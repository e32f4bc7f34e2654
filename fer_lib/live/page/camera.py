"""Sources of frames: the camera, or a video or image file."""

from __future__ import annotations

from pathlib import Path

from ipywebrtc import CameraStream, ImageStream, VideoStream
from ipywebrtc.webrtc import MediaStream

from fer_lib.settings.live import LiveSettings

VIDEO_SUFFIXES = (".mp4", ".webm", ".ogv", ".mov")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def open_source(source: str | Path | None = None, settings: LiveSettings | None = None) -> MediaStream:
    """Open a source of frames as an ipywebrtc stream: the camera by default, or a video or image file.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is neither a video nor an image that browsers support.
    """
    if source is None:
        return open_camera(settings)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"`source` must be a file, but there is none at {path}; omit it to open the camera")
    if path.suffix.lower() in VIDEO_SUFFIXES:
        stream = VideoStream.from_file(str(path))
        stream.video.loop = True
        return stream
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageStream.from_file(str(path))
    suffixes = ", ".join(VIDEO_SUFFIXES + IMAGE_SUFFIXES)
    raise ValueError(f"`source` must end in one of {suffixes}, but got {path.name!r}")


def open_camera(settings: LiveSettings | None = None) -> CameraStream:
    """Return the front camera, as video without sound.

    Size and frame rate are `ideal` constraints: the browser takes the nearest that the camera supports. The camera
    stays off until the page requests the stream.
    """
    settings = settings or LiveSettings.load()
    width = settings.capture_width
    ideals = {"width": width, "height": width * 3 // 4, "frameRate": settings.target_rate}
    video = {name: {"ideal": value} for name, value in ideals.items()} | {"facingMode": "user"}
    return CameraStream(constraints={"audio": False, "video": video})
