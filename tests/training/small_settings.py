"""Settings of a training that takes a moment."""

from fer_lib.settings import TrainingSettings


def make_settings(folder, **values) -> TrainingSettings:
    """One epoch of small pictures out of `images` in a folder, whose `runs` get the run."""
    small = {"image_size": 32, "batch_size": 16, "num_epochs": 1, "max_images": 35, "device": "cpu"}
    return TrainingSettings.load(data_dir=folder / "images", runs_dir=folder / "runs", **{**small, **values})
