"""EXIF orientation: read from untrusted bytes in bounded time, and applied to pixels.

OpenCV's own EXIF parser copies every text as often as an entry names it: 8 MB of EXIF in a WebP file take minutes.
Therefore decoders get files without EXIF, and only the orientation is read, here.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

ORIENTATION = 274
SHORT = 3
# Entries of the first directory that are searched. Cameras write some tens.
_MAX_ENTRIES = 1000


def read_orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8, of EXIF data that begins with its TIFF header; 1 if it has none or is damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(start + 2, start + 2 + 12 * min(count, _MAX_ENTRIES), 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, place)
            if tag == ORIENTATION:
                return value if kind == SHORT and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def apply_orientation(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn pixels `(h, w)` or `(h, w, 3)` upright; from orientation 5 on width and height are swapped."""
    turned: cv2.typing.MatLike = pixels
    if orientation >= 5:
        turned = cv2.transpose(turned)
    if orientation in (2, 6):
        turned = cv2.flip(turned, 1)
    elif orientation in (3, 7):
        turned = cv2.flip(turned, -1)
    elif orientation in (4, 8):
        turned = cv2.flip(turned, 0)
    return np.asarray(turned, np.uint8)
