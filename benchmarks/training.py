"""Measure the speed of training and the share of it that loads images.

    python -m benchmarks.training
    python -m benchmarks.training --size 112 --data data/images --json

Without `--data`, synthetic faces are used. For comparison, torchvision's ImageFolder decodes and augments each image again in
every epoch.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import Split, decode_faces, list_images, load_split
from fer_lib.dataset.synthetic import draw_face
from fer_lib.labels import EMOTIONS
from fer_lib.settings import TrainingSettings
from fer_lib.training.learning.augmentation import STRENGTHS
from fer_lib.training.learning.batches import Batches, one_hot
from fer_lib.training.learning.epochs import train_one_epoch
from fer_lib.training.learning.learner import Learner, build_learner
from fer_lib.training.learning.loop import crop_spec
from harness.reporting import add_json, print_json

DRAWN = 300  # faces per label
HEADINGS = {
    "images_per_s": "images per second, training",
    "step_ms": "step, ms",
    "loader_ms": "  of which drawing the batch, ms",
    "loader_share": "  share of the step",
    "usual_loader_ms": "same batch from ImageFolder, ms",
    "usual_loader_share": "  share of such a step",
    "uncached_s": "decoding all images, s",
    "cached_s": "loading them from the cache, s",
    "cache_speedup": "  speed-up",
}


class TimedBatches(Batches):
    """Batches that measure the time spent on drawing."""

    seconds = 0.0

    def draw_epoch(self, epoch: int, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Draw batches as `Batches` does and add the time to `seconds`."""
        drawn = super().draw_epoch(epoch, rank, world)
        while True:
            _wait_for(self.images.device)
            start = time.perf_counter()
            batch = next(drawn, None)
            _wait_for(self.images.device)
            self.seconds += time.perf_counter() - start
            if batch is None:
                return
            yield batch


def measure(folder: Path, settings: TrainingSettings, steps: int, repeats: int) -> dict[str, Any]:
    """Measure loading and training on the images in `folder`; return the medians of several repeats."""
    spec = crop_spec(settings)
    split, loading = measure_loading(folder, spec, repeats)
    learner = build_learner(settings, spec)
    rows = np.resize(np.arange(len(split)), settings.batch_size * steps)
    batches = TimedBatches(split.images[rows], one_hot(split.targets[rows]), spec, settings, learner.accelerator.device)
    measure_epoch(learner, batches, settings)  # warms up
    epochs = [measure_epoch(learner, batches, settings) for _ in range(repeats)]
    step, draw = (statistics.median(values) / steps * 1000 for values in zip(*epochs, strict=True))
    usual = statistics.median(
        _timed(lambda: _exhaust(usual_loader(folder, settings), steps))[0] for _ in range(repeats)
    )
    usual_ms = usual / min(steps, -(-len(split) // settings.batch_size)) * 1000
    return {
        "images_per_s": settings.batch_size / step * 1000,
        "step_ms": step,
        "loader_ms": draw,
        "loader_share": draw / step,
        "usual_loader_ms": usual_ms,
        "usual_loader_share": usual_ms / (step - draw + usual_ms),
        **loading,
        "images": len(split),
        "image_size": settings.image_size,
        "batch_size": settings.batch_size,
        "augmentation": settings.augmentation,
        "device": str(learner.accelerator.device),
        "threads": torch.get_num_threads(),
    }


def measure_loading(folder: Path, spec: CropSpec, repeats: int) -> tuple[Split, dict[str, float]]:
    """Load the training split with and without cache; the first load, which fills the cache, is not measured."""
    paths = [path for path, _ in list_images(folder, "train")]
    split = load_split(folder, "train", spec, quiet=True)
    uncached = statistics.median(_timed(lambda: decode_faces(paths, spec, quiet=True))[0] for _ in range(repeats))
    cached = statistics.median(_timed(lambda: load_split(folder, "train", spec, quiet=True))[0] for _ in range(repeats))
    return split, {"uncached_s": uncached, "cached_s": cached, "cache_speedup": uncached / cached}


def measure_epoch(learner: Learner, batches: TimedBatches, settings: TrainingSettings) -> tuple[float, float]:
    """Train for one epoch; return its seconds and the seconds spent on drawing batches."""
    batches.seconds = 0.0
    seconds, _ = _timed(lambda: train_one_epoch(learner, batches, settings, 0))
    return seconds, batches.seconds


def usual_loader(folder: Path, settings: TrainingSettings) -> DataLoader[Any]:
    """Make the usual torchvision loader, with augmentation about as strong as our `light`."""
    how = STRENGTHS["light"]
    steps = [
        transforms.Grayscale(),
        transforms.Resize((settings.image_size, settings.image_size)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomAffine(how.rotation, (how.shift, how.shift), (1 - how.zoom, 1 + how.zoom)),
        transforms.ColorJitter(how.brightness, how.contrast),
        transforms.ToTensor(),
        transforms.Normalize([0.5], [0.25]),
    ]
    images = ImageFolder(str(folder / "train"), transforms.Compose(steps))
    return DataLoader(images, batch_size=settings.batch_size, shuffle=True)


def write_synthetic_split(folder: Path) -> None:
    """Write a training split of synthetic faces to `folder`."""
    for label in EMOTIONS:
        place = folder / "train" / label
        place.mkdir(parents=True)
        for number in range(DRAWN):
            cv2.imwrite(str(place / f"{number}.png"), draw_face(label, number))


def format_table(measured: dict[str, Any]) -> str:
    """Format the results as a table."""
    title = "{device}, {threads} threads, {images:,} images at {image_size} px, {batch_size} per batch".format(
        **measured
    )
    rows = [
        f"{words:40} {measured[name]:10.1%}" if name.endswith("share") else f"{words:40} {measured[name]:10,.2f}"
        for name, words in HEADINGS.items()
    ]
    return "\n".join([title, *rows])


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description="Measure how fast training is.")
    parser.add_argument("--data", type=Path, help="folder with train/ (default: synthetic faces)")
    parser.add_argument("--size", type=int, default=64, help="side of the images in pixels")
    parser.add_argument("--batch-size", type=int, default=32, help="images per step")
    parser.add_argument("--steps", type=int, default=20, help="steps per epoch")
    parser.add_argument("--repeats", type=int, default=3, help="epochs, for the median")
    parser.add_argument(
        "--augmentation", choices=("none", *STRENGTHS), default="light", help="strength of augmentation"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    add_json(parser)
    given = parser.parse_args()
    settings = TrainingSettings.load(
        image_size=given.size, batch_size=given.batch_size, augmentation=given.augmentation, device=given.device
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "images"  # the cache is written beside it
        if given.data is None:
            write_synthetic_split(folder)
        else:
            folder.symlink_to(given.data.absolute())
        measured = measure(folder, settings, given.steps, given.repeats)
    print(format_table(measured))
    print_json(given, measured)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _exhaust(loader: DataLoader[Any], most: int) -> None:
    for number, _ in enumerate(loader, 1):
        if number == most:
            return


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
