"""BMP: read the size from the DIB header, as OpenCV does."""

from __future__ import annotations

import struct

from fer_lib.images.image_file import ImageFile

# OpenCV supports the OS/2 header of 12 bytes and the Windows headers of 36 bytes or more.
_SHORT_HEADER, _LEAST_HEADER = 12, 36


def parse_bmp(data: bytes) -> ImageFile:
    """Parse the DIB header, which begins with its length; a negative height means that the top row is first.

    Raises:
        ValueError: if the header is of an unsupported kind.
        struct.error: if it is truncated.
    """
    (size,) = struct.unpack_from("<I", data, 14)
    if size != _SHORT_HEADER and size < _LEAST_HEADER:
        raise ValueError(f"`data` must be a BMP file with a header of 12, 36 or more bytes, but got {size}")
    width, height = struct.unpack_from("<HH" if size == _SHORT_HEADER else "<ii", data, 18)
    return ImageFile(width, abs(height), data)
