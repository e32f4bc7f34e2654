"""Read image files from disk: regular files of limited size only."""

from __future__ import annotations

from pathlib import Path

from fer_lib.images.decoding import MAX_PIXELS

# An uncompressed image with four 16-bit channels has eight bytes per pixel; the rest is for metadata.
BYTES_PER_PIXEL = 10


def read_image_file(path: Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """Read the content of an image file.

    Args:
        path: a regular file or a link to one.
        max_pixels: most pixels of an image; the file may have ten bytes for each, plus 1 MB.

    Raises:
        ValueError: if it is larger, or a folder, a device, a pipe or a socket, which can be endless.
        OSError: if it can't be read.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} must be a regular file, but it is a folder, a device, a pipe or a socket")
    max_bytes = BYTES_PER_PIXEL * max_pixels + 1_000_000
    with path.open("rb", buffering=0) as stream:
        size = stream.seek(0, 2)
        if size > max_bytes:
            raise ValueError(f"{path} must have at most {max_bytes} bytes, but it has {size}")
        stream.seek(0)
        return stream.read(max_bytes)
