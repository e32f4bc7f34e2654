"""Images that the network may have learned by heart, because its training images hold the same picture."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import CropSpec, resize_face
from fer_lib.training.data import Split, cached_faces, list_images


def find_training_copies(split: Split, data_dir: Path, spec: CropSpec, quiet: bool = False) -> NDArray[np.bool_] | None:
    """Mark the images of a split that stand in the training split too.

    Two pictures are the same when the network gets the same pixels from both.

    Args:
        split: the images that are judged, prepared as `spec` says.
        data_dir: the folder with `train/`.
        spec: how the network sees a face.
        quiet: show no progress bar.

    Returns:
        A mask `(n,)`, or `None` where the question makes no sense: without training images, or for them.
    """
    if split.name == "train" or not (Path(data_dir) / "train").is_dir():
        return None
    marks = [_fingerprint(image) for image in split.images]
    seen: set[bytes] = set()
    paths = [path for path, _ in list_images(data_dir, "train")]
    ready = (spec.size, spec.size, spec.channels)
    for face in cached_faces(Path(data_dir), "train", paths, spec, quiet):
        if face is not None:
            seen.add(_fingerprint(face if face.shape == ready else resize_face(face, spec)))
    return np.array([mark in seen for mark in marks], bool)


def _fingerprint(image: NDArray[np.uint8]) -> bytes:
    return blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest()
