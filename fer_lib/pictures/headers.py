"""How large a picture is, from the first bytes of its file: nothing is decoded.

A file of a few bytes may claim to hold 20,000 × 20,000 pixels, and decoding it would need gigabytes. Whoever takes
pictures from strangers asks here first.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

# What cameras, browsers and phones write. Only these are taken from strangers: every decoder more is one more to trust.
WEB = ("JPEG", "PNG", "WebP")
# And what photos on one's own disk may be.
PHOTO = (*WEB, "TIFF", "BMP")
# The markers of JPEG that carry the size (start of frame): SOF0 to SOF15 without DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset([0x01, *range(0xD0, 0xD9)])


def read_size(data: bytes, kinds: Collection[str] = WEB) -> tuple[int, int]:
    """Return width and height in pixels, as the file's header says them, before any turning by EXIF.

    Args:
        data: the file.
        kinds: which it may be, of `PHOTO`.

    Raises:
        ValueError: if it is none of these, or its header is damaged.
    """
    kind = _find_kind(data)
    if kind not in kinds:
        allowed = f"{', '.join(list(kinds)[:-1])} or {list(kinds)[-1]}"
        raise ValueError(f"`data` must be a {allowed} file, but got {len(data)} bytes of something else")
    try:
        width, height = _READERS[kind](data)
    except (struct.error, IndexError):
        raise ValueError(f"`data` must be a whole file, but its header ends after {len(data)} bytes") from None
    if width < 1 or height < 1:
        raise ValueError(f"`data` must hold pixels, but its header says {width} × {height}")
    return width, height


def _find_kind(data: bytes) -> str:
    if data.startswith(b"\xff\xd8"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    return "BMP" if data.startswith(b"BM") else ""


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
        elif marker == 0:  # a decoder may look for the next marker here, and find another size than we do
            raise ValueError(f"`data` must be a JPEG file, but a segment is missing at byte {place}")
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


def _read_png(data: bytes) -> tuple[int, int]:
    """Read the first chunk, and walk over the others: OpenCV makes room for as many bytes as a chunk says it has."""
    place, length, kind = 8, 0, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
    if place > len(data) or length:  # it would look for more behind an end that is not empty
        raise IndexError
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _read_tiff(data: bytes) -> tuple[int, int]:
    """Look for the tags 256 and 257 in the first directory (TIFF 6.0, section 2)."""
    order = "<" if data.startswith(b"II") else ">"
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, place)
    size = {256: 0, 257: 0}
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        if tag in size:
            (size[tag],) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, entry + 8)
    return size[256], size[257]


def _read_bmp(data: bytes) -> tuple[int, int]:
    """Read the second header, whose first four bytes say how long it is; a height below 0 means top row first."""
    short = struct.unpack_from("<I", data, 14) == (12,)
    width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
    return width, abs(height)


_READERS = {"JPEG": _read_jpeg, "PNG": _read_png, "WebP": _read_webp, "TIFF": _read_tiff, "BMP": _read_bmp}
