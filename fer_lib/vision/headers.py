"""How large a picture is, from the first bytes of its file: nothing is decoded.

A file of a few bytes may claim to hold 20,000 × 20,000 pixels, and decoding it would need gigabytes. Whoever takes
pictures from strangers asks here first.
"""

from __future__ import annotations

import struct

# The markers of JPEG that carry the size (start of frame): SOF0 to SOF15 without DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset([0x01, *range(0xD0, 0xD9)])


def read_size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels, as the file's header says them, before any turning by EXIF.

    Args:
        data: a JPEG, PNG or WebP file.

    Raises:
        ValueError: if it is none of these, or its header is damaged.
    """
    try:
        if data.startswith(b"\xff\xd8"):
            size = _read_jpeg(data)
        elif data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            size = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            size = _read_webp(data)
        else:
            raise ValueError(f"`data` must be a JPEG, PNG or WebP file, but got {len(data)} bytes of something else")
    except (struct.error, IndexError):
        raise ValueError(f"`data` must be a whole file, but its header ends after {len(data)} bytes") from None
    width, height = size
    if width < 1 or height < 1:
        raise ValueError(f"`data` must hold pixels, but its header says {width} × {height}")
    return width, height


def _read_jpeg(data: bytes) -> tuple[int, int]:
    """Walk from segment to segment until one carries the size (ITU T.81, annex B)."""
    place = 2
    while True:
        if data[place] != 0xFF:
            raise ValueError(f"`data` must be a JPEG file, but a segment is missing at byte {place}")
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        else:
            (length,) = struct.unpack_from(">H", data, place + 2)
            place += 2 + max(length, 2)


def _read_webp(data: bytes) -> tuple[int, int]:
    """Read the first chunk, which is one of three kinds (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[place : place + 3], "little") for place in (24, 27))
        return (width + 1, height + 1) if len(data) >= 30 else (0, 0)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(f"`data` must be a WebP file, but its first chunk is {kind!r}")
