"""Decode image files after parsing and checking them; the decoder gets only the data that the pixels need."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.images.exif import apply_orientation
from fer_lib.images.headers import WEB, check_decoding_cost, parse_image_file
from fer_lib.images.image_file import ImageFile
from fer_lib.images.silence import silent_opencv

# Flags with which OpenCV decodes a JPEG at a fraction of its size: a smaller inverse DCT of the blocks costs little.
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_COLOR_RGB,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4 | cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2 | cv2.IMREAD_COLOR_RGB,
}
# 150 MB of pixels; decoders need up to 580 MB for them. `VisionSettings.max_pixels` has the same default.
MAX_PIXELS = 50_000_000
# Passes of a JPEG decoder over an image of the largest size; smaller ones may have more.
SCANS_AT_MAX_PIXELS = 30


class TooManyPixelsError(ValueError):
    """Image with more pixels than permitted.

    Attributes:
        width: from its header, in pixels.
        height: from its header, in pixels.
    """

    def __init__(self, width: int, height: int, max_pixels: int) -> None:
        super().__init__(f"`data` must have at most {max_pixels} pixels, but got {width} × {height}")
        self.width, self.height = width, height


def decode(
    data: bytes | bytearray | memoryview,
    max_pixels: int = MAX_PIXELS,
    kinds: Collection[str] = WEB,
    keep_grey: bool = False,
) -> NDArray[np.uint8]:
    """Decode an image file and apply its EXIF orientation.

    Of an animation the first frame is decoded, of 16-bit samples the upper eight bits.

    Args:
        data: content of the file.
        max_pixels: most pixels; larger images are refused by their header, before decoding.
        kinds: permitted formats, out of `fer_lib.images.headers.PHOTO`.
        keep_grey: return a grey image with one channel.

    Returns:
        RGB `(h, w, 3)` uint8, or grey `(h, w)` with `keep_grey`.

    Raises:
        TooManyPixelsError: if it has more than `max_pixels`.
        ValueError: if it has another format or can't be decoded.
    """
    image = _parse(data, max_pixels, kinds)
    pixels = _decode(image, cv2.IMREAD_ANYCOLOR if keep_grey else cv2.IMREAD_COLOR_RGB)
    if keep_grey and pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
    return pixels


def decode_reduced(
    data: bytes | bytearray | memoryview, side: int, max_pixels: int = MAX_PIXELS
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Decode an image no larger than needed: a large JPEG at 1/2, 1/4 or 1/8 of its size.

    Args:
        data: content of a JPEG, PNG or WebP file.
        side: least length of the longer side of the result in pixels, unless the image itself is smaller.
        max_pixels: most pixels of the image at full size.

    Returns:
        RGB `(h, w, 3)` uint8, and the scale factors from the result to the full size, `(2,)` as x and y.

    Raises:
        TooManyPixelsError: if it has more than `max_pixels`.
        ValueError: if it has another format or can't be decoded.
    """
    image = _parse(data, max_pixels, WEB)
    divisors = _REDUCED if image.data.startswith(b"\xff\xd8") else ()
    divisor = next((divisor for divisor in divisors if max(image.width, image.height) >= divisor * side), 1)
    pixels = _decode(image, _REDUCED.get(divisor, cv2.IMREAD_COLOR_RGB))
    height, width = pixels.shape[:2]
    full_size = (image.height, image.width) if image.orientation >= 5 else (image.width, image.height)
    return pixels, np.array([full_size[0] / width, full_size[1] / height], np.float32)


def _parse(data: bytes | bytearray | memoryview, max_pixels: int, kinds: Collection[str]) -> ImageFile:
    image = parse_image_file(bytes(data), kinds)
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise TooManyPixelsError(image.width, image.height, max_pixels)
    if image.scans * pixels > SCANS_AT_MAX_PIXELS * max_pixels:
        max_scans = SCANS_AT_MAX_PIXELS * max_pixels // pixels
        actual = f"{image.scans} scans of {image.width} × {image.height} pixels"
        raise ValueError(f"`data` must have at most {max_scans} scans for its size, but got {actual}")
    check_decoding_cost(image)
    return image


def _decode(image: ImageFile, flag: int) -> NDArray[np.uint8]:
    try:
        with silent_opencv():
            pixels = cv2.imdecode(np.frombuffer(image.data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        size = f"{image.width} × {image.height} pixels"
        raise ValueError(f"`data` must be a complete image file, but its {size} can't be decoded")
    return apply_orientation(np.asarray(pixels, np.uint8), image.orientation)
