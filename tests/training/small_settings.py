"""Settings of a short training."""

from fer_lib.settings import TrainingSettings


def make_settings(folder, **values) -> TrainingSettings:
    """Return settings of one epoch on small images in `<folder>/images`, with runs in `<folder>/runs`."""
    small = {"image_size": 32, "batch_size": 16, "num_epochs": 1, "max_images": 35, "device": "cpu"}
    return TrainingSettings.load(data_dir=folder / "images", runs_dir=folder / "runs", **{**small, **values})
