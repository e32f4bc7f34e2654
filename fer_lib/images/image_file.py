"""Result of parsing an image file: its size, and the bytes that a decoder needs for the pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFile:
    """Image file without metadata.

    Attributes:
        width: of the stored image in pixels, before EXIF orientation.
        height: of the stored image in pixels, before EXIF orientation.
        data: a file of the same format that contains only the data for the pixels; input of the decoder.
        orientation: 1 to 8, tag 274 of EXIF and TIFF; 1: upright.
        scans: passes of the decoder over the whole image (progressive JPEG); else 1.
    """

    width: int
    height: int
    data: bytes
    orientation: int = 1
    scans: int = 1
