"""Decoding of an uploaded image; every failure becomes a 413 or 415 response."""

from __future__ import annotations

from fer_lib.images.decoding import TooManyPixelsError
from fer_lib.service.errors import not_an_image, too_many_pixels
from fer_lib.vision.media.frames import Frame, decode_jpeg


def read_image(data: bytes, max_pixels: int) -> Frame:
    """Decode a JPEG, PNG or WebP file as a frame, rotated by its EXIF orientation.

    Args:
        data: the file.
        max_pixels: larger images are refused from the header, before decoding.

    Raises:
        HTTPException: 413 if the image is larger, 415 if it can't be decoded.
    """
    try:
        return decode_jpeg(data, max_pixels)
    except TooManyPixelsError as error:
        raise too_many_pixels(error.width, error.height, max_pixels) from None
    except ValueError as error:
        raise not_an_image(error) from None
