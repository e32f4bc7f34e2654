"""End-to-end evaluation on whole photos: detector, crop and emotion network, as the pipeline runs them.

The photos are in one folder per label. The results of the detected faces are compared with those of the given crops, where
each whole photo is used as the crop: on tight portraits, the difference is the loss by detection and cropping.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from fer_lib.boxes import box_sizes
from fer_lib.crops import resize_face
from fer_lib.dataset.image_folders import list_labelled_files, subsample_evenly
from fer_lib.evaluate.predictions import open_recognizer
from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.metrics import wilson_interval
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.media.photo import PHOTO_SUFFIXES, read_photo
from fer_lib.vision.mtcnn.detection import Detector
from fer_lib.vision.pipeline import Pipeline

NO_FACE = -1  # prediction for a photo without a detected face


def evaluate_photos(
    folder: Path, weights: Path | None = None, max_images: int | None = None, quiet: bool = True
) -> dict[str, Any]:
    """Run the pipeline on photos in `<folder>/<label>/` and compare its largest face with the label.

    Args:
        folder: contains one folder of photos per label.
        weights: ONNX file of the emotion network; `None` for the project's own.
        max_images: limit of photos, spread evenly over the list.
        quiet: show no progress bar.

    Returns:
        `photos` and `broken` (numbers of files), `found` (share of photos with a face), `several_faces` (number of photos),
        and for `detected` and `given_crops` each: accuracy over all photos (one without a face counts as wrong) with its 95 %
        interval, balanced accuracy, and per label the number of photos, found and recall; `accuracy_of_found` is over the
        photos with a detected face only.

    Raises:
        FileNotFoundError: if the folder or the photos are missing, or none can be read.
        ValueError: if a folder is not named after one of the seven labels.
    """
    listed = subsample_evenly(list_photos(folder), max_images)
    recognizer = open_recognizer(weights)
    settings = VisionSettings.load()
    pipeline = Pipeline(Detector(settings), recognizer, settings)
    rows: list[tuple[int, int, int, int]] = []  # target, number of faces, top-1 of the largest face, of the whole photo
    for path, target in tqdm(listed, desc="photos", unit="photo", disable=quiet, leave=False):
        try:
            frame = read_photo(path, settings.max_pixels)
        except ValueError:
            continue
        faces = pipeline.analyze(frame)
        whole = recognizer.classify(resize_face(frame, recognizer.spec)[None])
        rows.append((target, len(faces), predict_largest(faces), int(whole[0].argmax())))
    if not rows:
        raise FileNotFoundError(f"{folder} must contain readable photos, but none of {len(listed)} can be decoded")
    targets, counts, detected, given = np.array(rows, np.int64).T
    return {
        "photos": len(rows),
        "broken": len(listed) - len(rows),
        "found": float((counts > 0).mean()),
        "several_faces": int((counts > 1).sum()),
        "detected": compute_photo_metrics(targets, detected),
        "given_crops": compute_photo_metrics(targets, given),
    }


def list_photos(folder: Path) -> list[tuple[Path, int]]:
    """List the photos of `<folder>/<label>/` with their targets, sorted by label and name.

    Raises:
        FileNotFoundError: if the folder is missing or contains no photo.
        ValueError: if a folder in it is not named after one of the seven labels.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"`--photos` must be a folder with one folder of photos per label, but there is no {folder}"
        )
    photos = list_labelled_files(folder, PHOTO_SUFFIXES)
    if not photos:
        kinds = ", ".join(suffix[1:] for suffix in PHOTO_SUFFIXES)
        raise FileNotFoundError(f"{folder} must contain photos ({kinds}) in one folder per label, but has none")
    return photos


def predict_largest(faces: Faces) -> int:
    """Return the top-1 index of the largest face; `NO_FACE` without a face."""
    if not len(faces) or faces.probabilities is None:
        return NO_FACE
    return int(faces.probabilities[box_sizes(faces.xyxy).prod(axis=1).argmax()].argmax())


def compute_photo_metrics(targets: NDArray[np.int64], predictions: NDArray[np.int64]) -> dict[str, Any]:
    """Compute accuracy and recall of predictions `(n,)`, which may be `NO_FACE`, against targets `(n,)`."""
    correct, found = predictions == targets, predictions != NO_FACE
    labels = {EMOTIONS[index]: targets == index for index in np.unique(targets)}
    per_label = {
        label: {"photos": int(mask.sum()), "found": float(found[mask].mean()), "recall": float(correct[mask].mean())}
        for label, mask in labels.items()
    }
    return {
        "accuracy": float(correct.mean()),
        "accuracy_ci95": list(wilson_interval(int(correct.sum()), len(correct))),
        "accuracy_of_found": float(correct[found].mean()) if found.any() else None,
        "balanced_accuracy": float(np.mean([one["recall"] for one in per_label.values()])),
        "per_label": per_label,
    }


def format_photos(report: dict[str, Any]) -> str:
    """Format a report of `evaluate_photos` as a table."""
    detected, given = report["detected"], report["given_crops"]
    low, high = detected["accuracy_ci95"]
    lines = [
        f"{'photos':28}{report['photos']:>10,}   {report['broken']:,} unreadable",
        f"{'with a detected face':28}{report['found']:>10.1%}   {report['several_faces']:,} with several; the largest is evaluated",
        "",
        f"{'':28}{'detected':>10}{'as crops':>10}",
        _line("accuracy", detected["accuracy"], given["accuracy"]) + f"   95 % interval {low:.1%} to {high:.1%}",
        _line("  of detected faces", detected["accuracy_of_found"], given["accuracy_of_found"]),
        _line("balanced accuracy", detected["balanced_accuracy"], given["balanced_accuracy"]),
        "",
        f"{'recall':28}{'detected':>10}{'as crops':>10}{'found':>10}{'photos':>10}",
    ]
    for label, values in detected["per_label"].items():
        shares = _line(f"  {label}", values["recall"], given["per_label"][label]["recall"])
        lines.append(f"{shares}{values['found']:>10.1%}{values['photos']:>10,}")
    return "\n".join(lines)


def _line(name: str, *values: float | None) -> str:
    return f"{name:28}" + "".join(f"{'–' if value is None else format(value, '.1%'):>10}" for value in values)
