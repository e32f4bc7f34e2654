"""Read photos as frames, and write frames as photos."""

from __future__ import annotations

from pathlib import Path

import cv2

from fer_lib.atomic_write import write_bytes
from fer_lib.images.decoding import MAX_PIXELS, TooManyPixelsError
from fer_lib.images.files import read_image_file
from fer_lib.images.headers import PHOTO
from fer_lib.vision.media.frames import Frame, decode_jpeg

# Formats that every build of OpenCV reads and writes.
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


def read_photo(path: Path | str, max_pixels: int = MAX_PIXELS) -> Frame:
    """Read a photo as a frame, with its EXIF orientation applied.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a photo, or has more than `max_pixels`.
    """
    path = Path(path)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"the photo {path} must be a file, but there is {what}")
    try:
        return decode_jpeg(read_image_file(path, max_pixels), max_pixels, PHOTO)
    except TooManyPixelsError as error:
        raise ValueError(f"{path} can't be read: {error}; increase `MAX_PIXELS` to permit it") from None
    except ValueError as error:
        kinds = ", ".join(suffix[1:] for suffix in PHOTO_SUFFIXES)
        raise ValueError(f"{path} must be a photo ({kinds}), but it can't be read as one: {error}") from None


def write_photo(path: Path | str, frame: Frame) -> None:
    """Write a frame, RGB uint8 `(h, w, 3)`, as a photo in the format of the suffix, atomically.

    Raises:
        ValueError: if the suffix is not one of `PHOTO_SUFFIXES`.
        FileNotFoundError: if the folder is missing.
    """
    suffix = check_photo_suffix(Path(path))
    _, data = cv2.imencode(suffix, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    write_bytes(Path(path), data.tobytes())


def check_photo_suffix(path: Path) -> str:
    """Return the suffix of a photo in lower case.

    Raises:
        ValueError: if it is not one of `PHOTO_SUFFIXES`.
    """
    if path.suffix.lower() not in PHOTO_SUFFIXES:
        raise ValueError(f"a photo must end in {', '.join(PHOTO_SUFFIXES)} to be written, but got {path}")
    return path.suffix.lower()
