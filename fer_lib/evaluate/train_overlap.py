"""Train/test leakage: find evaluated images with a near duplicate in the training split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_lib.crops import CropSpec, resize_face
from fer_lib.dataset.image_folders import Split, decode_cached_faces, list_images
from fer_lib.dataset.near_duplicates import mark_near_duplicates

COMPARED = 64  # largest side of the compared images, in pixels: enough to distinguish them, with little memory


def find_train_duplicates(
    split: Split, data_dir: Path, spec: CropSpec, quiet: bool = False
) -> NDArray[np.bool_] | None:
    """Mark the images of a split that have a near duplicate in the training split.

    Two images are near duplicates if their preprocessed crops differ by no more than one JPEG compression causes.

    Args:
        split: the evaluated images, preprocessed as `spec` defines.
        data_dir: the folder with `train/`.
        spec: input of the network.
        quiet: show no progress bar.

    Returns:
        A mask `(n,)`, or `None` for the training split itself and where there is none.
    """
    if split.name == "train" or not (Path(data_dir) / "train").is_dir():
        return None
    paths = [path for path, _ in list_images(data_dir, "train")]
    faces = decode_cached_faces(Path(data_dir), "train", paths, spec, quiet)
    small = replace(spec, size=min(spec.size, COMPARED))
    train = [_prepare(face, spec, small) for face in faces if face is not None]
    evaluated = np.array([_prepare(image, spec, small) for image in split.images])
    return mark_near_duplicates(evaluated, np.array(train, np.uint8).reshape(-1, *evaluated.shape[1:]))


def _prepare(face: NDArray[np.uint8], spec: CropSpec, small: CropSpec) -> NDArray[np.uint8]:
    shape = (spec.size, spec.size, spec.channels)
    image = face if face.shape == shape else resize_face(face, spec)
    return image if small.size == spec.size else resize_face(image.squeeze(), small)
