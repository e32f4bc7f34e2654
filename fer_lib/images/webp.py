"""WebP (RFC 9649): extract the first image into a file of its own, with the size from its bitstream.

The decoder never gets the canvas, a separate alpha channel, the colour profile, EXIF or XMP, and only the first frame of
an animation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from fer_lib.images.exif import read_orientation
from fer_lib.images.image_file import ImageFile
from fer_lib.images.vp8l import check_groups

# One for each frame of an animation, and some for metadata.
MAX_CHUNKS = 50_000
# OpenCV refuses smaller files, but images of one colour can be smaller.
_LEAST_BYTES = 32
_IMAGES = (b"VP8 ", b"VP8L")


def parse_webp(data: bytes) -> ImageFile:
    """Extract the first image and the orientation.

    Raises:
        ValueError: if there is no image, its canvas has another size, or there are too many chunks.
        struct.error: if the file is truncated.
    """
    (size,) = struct.unpack_from("<I", data, 4)
    image = canvas = None
    orientation = 1
    for kind, start, end in _walk_chunks(data, 12, min(8 + size, len(data))):
        if kind == b"VP8X" and start == 20:
            canvas = _read_canvas(data, start)
        elif kind in _IMAGES and image is None:
            image = kind, data[start:end]
        elif kind == b"ANMF" and image is None:
            image, canvas = _extract_frame(data, start, end), None
        elif kind == b"EXIF" and orientation == 1:
            orientation = read_orientation(data[start:end].removeprefix(b"Exif\0\0"))
        if image and start == 20:  # the simple format has a single chunk
            break
    if image is None:
        raise ValueError("`data` must be a WebP file with an image, but it has none")
    width, height = _read_bitstream(*image)
    if canvas not in (None, (width, height)):
        raise ValueError(f"`data` must have an image as large as its canvas, but got {width} × {height} pixels")
    return ImageFile(width, height, _write_webp(*image), orientation)


def check_bitstream(data: bytes) -> None:
    """Check that the prefix codes of a lossless bitstream do not take more memory than its pixels.

    Args:
        data: a file from `parse_webp`.

    Raises:
        ValueError: if they do, or the bitstream is damaged.
        struct.error: if it is truncated.
    """
    if data.startswith(b"VP8L", 12):
        check_groups(data[20:])


def _walk_chunks(data: bytes, position: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each chunk, and start and end of its content."""
    for _ in range(MAX_CHUNKS):
        if position >= stop:
            return
        kind, length = struct.unpack_from("<4sI", data, position)
        start, end = position + 8, position + 8 + length
        if end > len(data):
            raise struct.error
        yield kind, start, end
        position = end + length % 2
    raise ValueError(f"`data` must have at most {MAX_CHUNKS} chunks, but it has more than {MAX_CHUNKS} chunks")


def _extract_frame(data: bytes, start: int, end: int) -> tuple[bytes, bytes] | None:
    """Return type and bitstream of the frame in an `ANMF` chunk, whose sub-chunks begin after 16 bytes."""
    for kind, inner, inner_end in _walk_chunks(data, start + 16, end):
        if kind in _IMAGES and inner_end <= end:
            return kind, data[inner:inner_end]
    return None


def _read_canvas(data: bytes, start: int) -> tuple[int, int]:
    if len(data) < start + 10:
        raise struct.error
    width, height = (int.from_bytes(data[position : position + 3], "little") for position in (start + 4, start + 7))
    return width + 1, height + 1


def _read_bitstream(kind: bytes, stream: bytes) -> tuple[int, int]:
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", stream, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", stream, 6)
    return width & 0x3FFF, height & 0x3FFF


def _write_webp(kind: bytes, stream: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(stream)) + stream + bytes(len(stream) % 2)
    return (b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk).ljust(_LEAST_BYTES, b"\0")
