"""Open untrusted video files: only self-contained containers, only regular files, limited frame sizes.

FFmpeg also reads playlists, manifests and image patterns, which refer to other files; it would copy local files into the
output. Therefore FFmpeg gets an allow-list of demuxers and opens no files itself: it reads from a file object. File names
are never parsed as URLs.
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

# Demuxers of FFmpeg for self-contained containers and raw streams, with the names of the formats.
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
# Beginnings of other files, for the error message only; in lower case, after leading spaces.
_TEXTS = {
    b"#extm3u": "an HLS playlist, which refers to other files",
    b"ffconcat": "a list of files (ffconcat)",
    b"<mpd": "a DASH manifest, which refers to other files",
    b"<smoothstreamingmedia": "a streaming manifest, which refers to other files",
    b"<asx": "a playlist, which refers to other files",
    b"[playlist]": "a playlist, which refers to other files",
    b"v=0": "a session description (SDP), which refers to network streams",
}
_PHOTOS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"II*\0", b"MM\0*", b"BM")


class VideoFile(FileIO):
    """Regular file opened for reading, with the length that it had at opening, even if it grows.

    Raises:
        FileNotFoundError: if the file is missing or a folder.
        PermissionError: if it is not readable.
        ValueError: if it is a pipe, a device or a socket.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir() or not path.exists():
            what = "a folder" if path.is_dir() else "no such file"
            raise FileNotFoundError(f"the video {path} must be a file, but there is {what}")
        if not path.is_file():  # before opening, which can change the state of a device
            raise ValueError(_irregular(path))
        try:
            # Non-blocking, because opening a named pipe blocks until its other end is opened.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except PermissionError:
            raise PermissionError(f"the video {path} must be readable, but it is not") from None
        super().__init__(descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise ValueError(_irregular(path))
        self._size = status.st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes, but not beyond the length at opening."""
        left = max(self._size - self.tell(), 0)  # words: allow
        return super().read(left if size is None or size < 0 else min(size, left)) or b""

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        """Set the position and return it; the end is the length at opening.

        With a damaged file, FFmpeg may seek to any position. Before the start, -1 is returned, as FFmpeg expects;
        behind the end, `read` returns nothing.
        """
        position = offset + {SEEK_SET: 0, SEEK_CUR: self.tell(), SEEK_END: self._size}[whence]  # words: allow
        if position < 0:
            return -1
        super().seek(min(position, self._size))
        return position


def open_container(file: VideoFile, path: Path, max_pixels: int) -> Any:
    """Open a video with PyAV.

    Args:
        file: the video.
        path: of the file, for the error message.
        max_pixels: most pixels of a frame; FFmpeg refuses frames that are much larger.

    Raises:
        ValueError: if its container is not one of `CONTAINERS`, or its header claims too many samples.
        ModuleNotFoundError: if PyAV is missing, with the command that installs it.
    """
    av = require_av()
    options = {
        "format_whitelist": ",".join(_checked_demuxers(file, path)),
        "protocol_whitelist": "none",  # no access to other files or the network
        "enable_drefs": "0",  # no external tracks of QuickTime
        "codec_whitelist": probing_decoders(),
        "max_streams": str(MAX_STREAMS),
        "max_pixels": str(decoder_limit(max_pixels)),
    }
    try:
        return av.open(file, options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} must be a video, but {_refusal_reason(file, error)}") from None


def decoder_limit(max_pixels: int) -> int:
    """Return the option `max_pixels` of FFmpeg for frames of at most `max_pixels`; FFmpeg also counts row padding."""
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
            "videos need PyAV, which this environment lacks; `pip install av tqdm` installs it"
        ) from None
    return av


def error_reason(error: Any) -> str:
    """Return the reason of an FFmpeg error in lower case."""
    return str(error.strerror or error).lower()


def _checked_demuxers(file: VideoFile, path: Path) -> list[str]:
    """Return the permitted demuxers of a file; that of MP4 and MOV only after its header was checked."""
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


def _refusal_reason(file: VideoFile, error: Any) -> str:
    file.seek(0)
    head = file.read(4096)
    if head.startswith(_PHOTOS) or head[8:12] == b"WEBP":
        return "it is a photo; `fer-lib photo` processes photos"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml"):
        text = next((text[text.find(start) :] for start in _TEXTS if start[:1] == b"<" and start in text), b"")
    kind = next((name for start, name in _TEXTS.items() if text.startswith(start)), None)
    if kind is not None:
        return f"it is {kind}; supported are {', '.join(CONTAINERS.values())}"
    if error.errno == errno.EINVAL:  # the error of FFmpeg for demuxers that are not on the allow-list
        reason = "its format is not supported"
    elif error.errno == errno.ENOMEM:
        reason = f"it needs too much memory, or has more than {MAX_STREAMS} streams"
    elif head[4:8] == b"ftyp":
        return "it can't be read as one (its index is missing: it is truncated, or is still being written)"
    else:
        reason = error_reason(error)
    return f"it can't be read as one ({reason}); supported are {', '.join(CONTAINERS.values())}"
