"""Read the EXIF orientation from untrusted bytes in bounded time, and apply it to pixels.

The EXIF parser of OpenCV copies a text once for each entry that refers to it: 8 MB of EXIF in a WebP file take minutes.
Therefore decoders get files without EXIF, and this module reads the orientation only.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

ORIENTATION = 274
SHORT = 3
# Entries of the first directory (IFD) that are searched; cameras write some tens.
_MAX_ENTRIES = 1000


def read_orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8, of EXIF data that begins with its TIFF header; 1 if it is missing or damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * min(count, _MAX_ENTRIES), 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
            if tag == ORIENTATION:
                return value if kind == SHORT and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def apply_orientation(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Rotate and flip pixels `(h, w)` or `(h, w, 3)` upright; orientations 5 to 8 swap width and height."""
    upright: cv2.typing.MatLike = pixels
    if orientation >= 5:
        upright = cv2.transpose(upright)
    if orientation in (2, 6):
        upright = cv2.flip(upright, 1)
    elif orientation in (3, 7):
        upright = cv2.flip(upright, -1)
    elif orientation in (4, 8):
        upright = cv2.flip(upright, 0)
    return np.asarray(upright, np.uint8)
