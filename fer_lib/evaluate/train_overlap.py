"""Images that the network may have learned by heart, because its training images hold the same picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import CropSpec, resize_face
from fer_lib.dataset.image_folders import Split, decode_cached_faces, list_images
from fer_lib.dataset.near_duplicates import mark_near_duplicates

COMPARED = 64  # pixels a side at most: enough to tell pictures apart, and little memory


def find_training_copies(split: Split, data_dir: Path, spec: CropSpec, quiet: bool = False) -> NDArray[np.bool_] | None:
    """Mark the images of a split that stand in the training split too.

    Two pictures are the same when what the network gets from them differs no more than by one JPEG compression.

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
    paths = [path for path, _ in list_images(data_dir, "train")]
    faces = decode_cached_faces(Path(data_dir), "train", paths, spec, quiet)
    small = replace(spec, size=min(spec.size, COMPARED))
    learned = [_prepare(face, spec, small) for face in faces if face is not None]
    judged = np.array([_prepare(image, spec, small) for image in split.images])
    return mark_near_duplicates(judged, np.array(learned, np.uint8).reshape(-1, *judged.shape[1:]))


def _prepare(face: NDArray[np.uint8], spec: CropSpec, small: CropSpec) -> NDArray[np.uint8]:
    ready = (spec.size, spec.size, spec.channels)
    image = face if face.shape == ready else resize_face(face, spec)
    return image if small.size == spec.size else resize_face(image.squeeze(), small)
