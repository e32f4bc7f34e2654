"""BMP: the size from the second header, as OpenCV reads it."""

from __future__ import annotations

import struct

from fer_lib.images.image_file import ImageFile

# The header of OS/2, of 12 bytes, and of Windows from 36 bytes on are the ones that OpenCV knows.
_SHORT_HEADER, _LEAST_HEADER = 12, 36


def parse_bmp(data: bytes) -> ImageFile:
    """Read the second header, whose first four bytes say how long it is; a height below 0 means top row first.

    Raises:
        ValueError: if the header is of another kind.
        struct.error: if it is cut.
    """
    (size,) = struct.unpack_from("<I", data, 14)
    if size != _SHORT_HEADER and size < _LEAST_HEADER:
        raise ValueError(f"`data` must be a BMP file with a header of 12, 36 or more bytes, but got {size}")
    width, height = struct.unpack_from("<HH" if size == _SHORT_HEADER else "<ii", data, 18)
    return ImageFile(width, abs(height), data)
