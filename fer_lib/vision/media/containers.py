"""Open video files safely: only containers that hold their own frames, only regular files, bounded frame sizes.

FFmpeg also reads playlists, manifests and image patterns, which name other files; it would copy local files into the
output. So an allow-list of demuxers is passed to FFmpeg, and FFmpeg itself opens no file at all: it reads from the file
that is open already. File names are never parsed as URLs.
"""

from __future__ import annotations

import errno
import os
import stat
from io import SEEK_CUR, SEEK_END, SEEK_SET, FileIO
from pathlib import Path
from typing import Any

from fer_lib.vision.media.codecs import probing_decoders
from fer_lib.vision.media.movie_header import check_movie_header, is_movie

# FFmpeg's demuxers of containers and raw streams that hold their own frames, and what they are called.
CONTAINERS = {
    "mov": "MP4 and MOV",
    "matroska": "Matroska and WebM",
    "avi": "AVI",
    "mpegts": "MPEG-TS",
    "mpeg": "MPEG-PS",
    "mpegvideo": "MPEG-1 and MPEG-2",
    "m4v": "MPEG-4",
    "h264": "H.264",
    "hevc": "H.265",
    "flv": "FLV",
    "ogg": "Ogg",
    "asf": "WMV",
    "mxf": "MXF",
    "dv": "DV",
    "ivf": "IVF",
    "gif": "GIF",
    "yuv4mpegpipe": "Y4M",
}
MAX_STREAMS = 200  # a film with many subtitles and fonts has some 60
# How files begin that are no videos, for the error message only; in small letters, spaces before it do not count.
_TEXTS = {
    b"#extm3u": "an HLS playlist, which names other files",
    b"ffconcat": "a list of files (ffconcat)",
    b"<mpd": "a DASH manifest, which names other files",
    b"<smoothstreamingmedia": "a streaming manifest, which names other files",
    b"<asx": "a playlist, which names other files",
    b"[playlist]": "a playlist, which names other files",
    b"v=0": "a session description (SDP), which names network streams",
}
_PHOTOS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"II*\0", b"MM\0*", b"BM")


class VideoFile(FileIO):
    """A regular file opened for reading, as long as it was when it was opened, even if it grows.

    Raises:
        FileNotFoundError: if there is no such file, or a folder.
        PermissionError: if it must not be read.
        ValueError: if it is a pipe, a device or a socket.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir() or not path.exists():
            what = "a folder" if path.is_dir() else "no such file"
            raise FileNotFoundError(f"the video {path} must be a file, but there is {what}")
        if not path.is_file():  # before opening: that alone may change the state of a device
            raise ValueError(_irregular(path))
        try:
            # Non-blocking, because opening a named pipe would wait for its other end.
            number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except PermissionError:
            raise PermissionError(f"the video {path} must be readable, but it is not") from None
        super().__init__(number)
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise ValueError(_irregular(path))
        self._size = found.st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes, and nothing beyond the length at opening."""
        left = max(self._size - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left)) or b""

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        """Set the position and return it; the end is where it was at opening.

        A damaged file may make FFmpeg ask for any place. Before the start, that is answered with -1, as FFmpeg expects;
        behind the end, there is nothing to read.
        """
        place = offset + {SEEK_SET: 0, SEEK_CUR: self.tell(), SEEK_END: self._size}[whence]
        if place < 0:
            return -1
        super().seek(min(place, self._size))
        return place


def open_container(file: VideoFile, path: Path, max_pixels: int) -> Any:
    """Open a video with PyAV.

    Args:
        file: the video.
        path: its name, for the error message.
        max_pixels: most pixels of a frame; FFmpeg decodes none that are much larger.

    Raises:
        ValueError: if it is no container of `CONTAINERS`, or its header claims more than the file can hold.
        ModuleNotFoundError: if PyAV is missing, with the command that installs it.
    """
    av = require_av()
    options = {
        "format_whitelist": ",".join(_checked_demuxers(file, path)),
        "protocol_whitelist": "none",  # a container must not make FFmpeg open other files or the network
        "enable_drefs": "0",  # nor the external tracks of QuickTime
        "codec_whitelist": probing_decoders(),
        "max_streams": str(MAX_STREAMS),
        "max_pixels": str(decoder_limit(max_pixels)),
    }
    try:
        return av.open(file, options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} must be a video, but {_describe_refused(file, error)}") from None


def decoder_limit(max_pixels: int) -> int:
    """Return FFmpeg's `max_pixels` for frames of at most `max_pixels`: it also counts what it adds to align rows."""
    return max_pixels + max_pixels // 8 + 65_536


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


def reason_of(error: Any) -> str:
    """Return FFmpeg's reason in small letters."""
    return str(error.strerror or error).lower()


def _checked_demuxers(file: VideoFile, path: Path) -> list[str]:
    """Return the demuxers that may read a file: that of MP4 and MOV only after its header was checked."""
    if not is_movie(file.read(8)):
        file.seek(0)
        return [name for name in CONTAINERS if name != "mov"]
    try:
        check_movie_header(file)
    except ValueError as error:
        raise ValueError(f"the video {path} {error}") from None
    file.seek(0)
    return list(CONTAINERS)


def _irregular(path: Path) -> str:
    return f"the video {path} must be a regular file, but it is a pipe, a device or a socket"


def _describe_refused(file: VideoFile, error: Any) -> str:
    file.seek(0)
    head = file.read(4096)
    if head.startswith(_PHOTOS) or head[8:12] == b"WEBP":
        return "it is a photo; `fer-lib photo` takes those"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml"):
        text = next((text[text.find(start) :] for start in _TEXTS if start[:1] == b"<" and start in text), b"")
    kind = next((name for start, name in _TEXTS.items() if text.startswith(start)), None)
    if kind is not None:
        return f"it is {kind}; accepted are {', '.join(CONTAINERS.values())}"
    if error.errno == errno.EINVAL:  # so FFmpeg reports a demuxer that is not on the allow-list
        why = "its format is not supported"
    elif error.errno == errno.ENOMEM:
        why = f"it needs too much memory, or has more than {MAX_STREAMS} streams"
    elif head[4:8] == b"ftyp":
        return "it can't be read as one (its index is missing: it was cut off, or is still being written)"
    else:
        why = reason_of(error)
    return f"it can't be read as one ({why}); accepted are {', '.join(CONTAINERS.values())}"
