"""The result of parsing an image file: its size, and the bytes that a decoder needs for the pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFile:
    """An image file without metadata.

    Attributes:
        width: of the stored image, in pixels, before any turning by EXIF.
        height: likewise.
        data: a file of the same format with nothing but what the pixels need; this is what is decoded.
        orientation: 1 to 8, as EXIF and TIFF define tag 274; 1: upright.
        scans: passes over the whole image that the decoder makes (JPEG), else 1.
    """

    width: int
    height: int
    data: bytes
    orientation: int = 1
    scans: int = 1
