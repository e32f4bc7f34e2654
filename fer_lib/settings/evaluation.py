"""Settings of the evaluation of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from fer_lib.settings.base import PREFIX, Settings, locate


class EvaluationSettings(Settings):
    """Evaluation of a network on a folder of images."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}EVALUATE_")
    reads_bare_names = True

    weights: Path | None = Field(
        None, description="ONNX file to evaluate, its card beside it; empty: the project's own"
    )
    data_dir: Path = Field(Path("data/images"), description="folder with train/, validation/ and test/")
    split: Literal["train", "validation", "test"] = Field("test", description="split to evaluate on")
    max_images: int | None = Field(
        None, ge=1, description="limit of images per split, for a quick trial; empty: all images"
    )
    ferplus_csv: Path | None = Field(None, description="table of FER+ votes, one row per image name")
    flip: bool = Field(False, description="test-time augmentation: average the predictions of image and mirror image")
    coverage_threshold: float = Field(
        0.6, ge=0, lt=1, description="probability from which a prediction counts as covered (coverage and its accuracy)"
    )
    robustness_images: int = Field(1000, ge=1, description="images to which each corruption is applied")

    @field_validator("weights", "data_dir", "ferplus_csv")
    @classmethod
    def _locate(cls, path: Path | None) -> Path | None:
        return locate(path)
