"""Read image files from disks: only regular files, and of a bounded size."""

from __future__ import annotations

from pathlib import Path

from fer_lib.images.decoding import MAX_PIXELS

# An uncompressed image of 16 bits and four channels has eight; the rest is for metadata.
BYTES_PER_PIXEL = 10


def read_image_file(path: Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """Read the content of an image file.

    Args:
        path: the file; a link may lead to one.
        max_pixels: the most pixels that an image may have, which limits the file to ten bytes for each and 1 MB.

    Raises:
        ValueError: if it is larger, or a folder, a device, a pipe or a socket, which may never end.
        OSError: if it can't be read.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} must be a regular file, but it is none")
    most = BYTES_PER_PIXEL * max_pixels + 1_000_000
    with path.open("rb", buffering=0) as stream:
        size = stream.seek(0, 2)
        if size > most:
            raise ValueError(f"{path} must have at most {most} bytes, but it has {size}")
        stream.seek(0)
        return stream.read(most)
