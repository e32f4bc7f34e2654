"""Videos become frames with their real times. FFmpeg does the work, through PyAV.

Only one frame is in memory at a time, whatever the length. The times are those of the file, so a variable
frame rate is no trouble; a phone's rotation and oblong pixels are straightened out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from fer_lib.vision.frames import Frame

Packet = Any  # of FFmpeg; PyAV is imported only when a video is opened
# A file that ends so much earlier than it says, in seconds and as a share, is cut off.
MISSING_S, MISSING_SHARE = 1.0, 0.02
# FFmpeg also reads pictures and even text as "video".
PICTURES, TEXT = ("image2", "_pipe"), ("tty",)


class Video:
    """A video file, open for reading once; a context manager.

    Attributes:
        path: of the file.
        width: of the frames in pixels, upright.
        height: of the frames in pixels, upright.
        rate: frames a second on average.
        duration_s: what the file says, in seconds; 0 if it does not.
        start_s: the file's own time of its beginning, which is 0 here.
        expected_frames: what the file says, or an estimate; 0 if nobody knows.
        sound: the stream of its sound, or `None`; only until the file is closed.
        damage: sentences about what could not be read; complete after the last frame.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no video that can be decoded.
        ModuleNotFoundError: if PyAV is missing, with the command that installs it.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._container = _open(self.path)
        try:
            self._stream = _find_stream(self._container, self.path)
            self.sound = next(iter(self._container.streams.audio), None)
            self.rate = float(self._stream.average_rate or self._stream.guessed_rate or 25)
            # Read now: FFmpeg's streams must not be touched once the file is closed.
            self.duration_s = (self._container.duration or 0) / 1e6
            self.start_s = (self._container.start_time or 0) / 1e6
            self.expected_frames = int(self._stream.frames) or round(self.duration_s * self.rate)
            self.damage: list[str] = []
            self._reached_s = 0.0
            self._undecoded: list[float] = []
            self._early: list[Packet] = []
            self._on_sound: Callable[[Packet], None] = self._early.append
            self._frames = self._read()
            self._first = self._read_first()
        except BaseException:
            self._container.close()
            raise
        self.height, self.width = self._first[1].shape[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._frames.close()
        self._container.close()

    def frames(self, on_sound: Callable[[Packet], None] | None = None) -> Iterator[tuple[float, Frame]]:
        """Yield each frame with its time, once.

        What can't be decoded is left out and noted in `damage`.

        Args:
            on_sound: is called with each packet of `sound` on the way, for those who keep it.

        Yields:
            Seconds from the beginning, and RGB uint8 `(h, w, 3)`, upright.
        """
        self._on_sound = on_sound or (lambda packet: None)
        for packet in self._early:
            self._on_sound(packet)
        self._early.clear()
        yield self._first
        yield from self._frames
        self._note_damage()

    def _read_first(self) -> tuple[float, Frame]:
        first = next(self._frames, None)
        if first is None:
            raise ValueError(f"{self.path} must hold a video, but not one frame of it can be decoded")
        return first

    def _read(self) -> Generator[tuple[float, Frame], None, None]:
        last_s = -1 / self.rate
        for packet in self._packets():
            for frame in self._decode(packet):
                last_s = last_s + 1 / self.rate if frame.time is None else frame.time - self.start_s
                self._reached_s = max(self._reached_s, last_s + 1 / self.rate)
                yield last_s, upright(frame, self._stream.sample_aspect_ratio)

    def _packets(self) -> Iterator[Packet | None]:
        """Yield the packets of the picture; those of the sound are handed on, and an end that breaks off is noted."""
        from av.error import FFmpegError

        streams = [stream for stream in (self._stream, self.sound) if stream is not None]
        packets = self._container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self.damage.append(f"it breaks off after {self._reached_s:.1f} s ({_reason(error)})")
                yield None  # brings out what the decoder still holds
                return
            if packet is None:
                return
            if packet.stream is self._stream:
                yield packet
            elif packet.dts is not None:
                self._reached_s = max(self._reached_s, float(packet.dts * packet.time_base) - self.start_s)
                self._on_sound(packet)

    def _decode(self, packet: Packet | None) -> list[Any]:
        from av.error import FFmpegError

        try:
            frames = self._stream.decode(packet)
        except FFmpegError:
            frames = []
            self._undecoded.append(self._reached_s)
        self._undecoded += [
            frame.time - self.start_s for frame in frames if frame.is_corrupt and frame.time is not None
        ]
        return frames

    def _note_damage(self) -> None:
        if self._undecoded:
            count = len(self._undecoded)
            pieces = "1 piece" if count == 1 else f"{count} pieces"
            self.damage.append(f"{pieces} could not be decoded well, the first at {self._undecoded[0]:.1f} s")
        missing_s = self.duration_s - self._reached_s
        if not self.damage and missing_s > max(MISSING_S, MISSING_SHARE * self.duration_s):
            self.damage.append(f"it ends after {self._reached_s:.1f} s instead of {self.duration_s:.1f} s")


def read_frames(path: Path | str) -> Iterator[tuple[float, Frame]]:
    """Yield each frame of a video with its time; a damaged one is read as far as it goes, with a warning.

    Yields:
        Seconds from the beginning, and RGB uint8 `(h, w, 3)`, upright.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no video that can be decoded.
    """
    with Video(path) as video:
        yield from video.frames()
        for sentence in video.damage:
            warnings.warn(f"{path} is damaged: {sentence}", stacklevel=2)


def upright(frame: Any, aspect: Fraction | None = None) -> Frame:
    """Return a decoded frame as it is meant to be seen: RGB, turned as the file says, with square pixels.

    Args:
        frame: as FFmpeg decoded it.
        aspect: width of a pixel by its height.
    """
    width = round(frame.width * aspect) if aspect else frame.width
    pixels = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90) % 4))


def require_av() -> Any:
    """Import PyAV.

    Raises:
        ModuleNotFoundError: if it is missing, with the command that installs it.
    """
    try:
        import av
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "videos need PyAV, which this environment lacks; `pip install av tqdm` installs what is needed"
        ) from None
    return av


def _open(path: Path) -> Any:
    av = require_av()
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"the video {path} must be a file, but there is {what}")
    try:
        # A playlist must not make us open other files or the network.
        container = av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except PermissionError:
        raise PermissionError(f"the video {path} must be readable, but it is not") from None
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} must be a video, but it can't be read as one ({_why_closed(path, error)})") from None
    kind = container.format.name
    if kind.endswith(PICTURES) or kind in TEXT:
        container.close()
        hint = "a photo; `fer-lib photo` takes those" if kind.endswith(PICTURES) else "text"
        raise ValueError(f"{path} must be a video, but it is {hint}")
    return container


def _find_stream(container: Any, path: Path) -> Any:
    from av.stream import Disposition

    # The cover of a song also counts as a picture stream.
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not streams:
        raise ValueError(f"{path} must hold a video, but it has no moving pictures")
    streams[0].thread_type = "AUTO"
    return streams[0]


def _why_closed(path: Path, error: Any) -> str:
    with path.open("rb") as stream:
        is_mp4 = stream.read(12)[4:8] == b"ftyp"
    return "its index is missing: it was cut off, or is still being written" if is_mp4 else _reason(error)


def _reason(error: Any) -> str:
    return str(error.strerror or error).lower()
