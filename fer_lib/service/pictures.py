"""Bytes from strangers become frames, or a refusal."""

from __future__ import annotations

from fer_lib.pictures.decoding import TooManyPixelsError
from fer_lib.service.problems import not_a_picture, too_many_pixels
from fer_lib.vision.frames import Frame, decode_jpeg


def read_picture(data: bytes, max_pixels: int) -> Frame:
    """Decode a JPEG, PNG or WebP file as a frame, turned as its EXIF entry says.

    Args:
        data: the file.
        max_pixels: the most that are decoded; more are refused from the header alone.

    Raises:
        HTTPException: 413 if there are more, 415 if it is no picture.
    """
    try:
        return decode_jpeg(data, max_pixels)
    except TooManyPixelsError as error:
        raise too_many_pixels(error.width, error.height, max_pixels) from None
    except ValueError as error:
        raise not_a_picture(error) from None
