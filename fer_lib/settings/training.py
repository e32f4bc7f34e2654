"""Settings of training."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from fer_lib.settings.base import PREFIX, Settings, locate

UNPREFIXED = (
    "learning_rate",
    "batch_size",
    "num_epochs",
    "dropout_rate",
    "optimizer",
    "lr_step_size",
    "lr_gamma",
    "image_size",
)


class TrainingSettings(Settings):
    """Training of a network. The environment variables of the first eight settings (`UNPREFIXED`) have no prefix."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}TRAIN_")
    unprefixed = frozenset(UNPREFIXED)
    reads_bare_names = True

    learning_rate: float = Field(0.001, gt=0, le=10, description="initial learning rate (peak, for one-cycle)")
    batch_size: int = Field(32, ge=1, le=65536, description="images per step")
    num_epochs: int = Field(22, ge=1, le=10000, description="epochs: passes over the training images")
    dropout_rate: float = Field(0.4, ge=0, lt=1, description="dropout rate before the last layer")
    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", description="optimizer")
    lr_step_size: int = Field(7, ge=1, description="epochs between two decays of the learning rate (schedule: step)")
    lr_gamma: float = Field(0.1, gt=0, le=1, description="decay factor of the learning rate (schedule: step)")
    image_size: int = Field(256, ge=32, le=1024, description="side of the network's input, in pixels")

    architecture: Literal["b0", "lite2", "resnet18-wide", "resnet29"] = Field(
        "b0",
        description="b0: EfficientNet-B0, the network in use; lite2 (EfficientNet-Lite2), resnet18-wide (for 48 pixels), resnet29: distillation teachers",
    )
    stochastic_depth: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="stochastic depth: probability of skipping the last block; linear from 0 at the first",
    )
    schedule: Literal["step", "cosine", "onecycle"] = Field("step", description="schedule of the learning rate")
    weight_decay: float = Field(0.01, ge=0, le=1, description="weight decay")
    clip_norm: float = Field(0.0, ge=0, description="gradient-norm clipping: largest norm of a step's gradient; 0: off")
    sampler: Literal["balanced", "root", "none"] = Field(
        "balanced",
        description="balanced: all labels drawn equally often; root: in proportion to the square root of their frequency; none: each image once per epoch",
    )
    augmentation: Literal["none", "light", "strong"] = Field("light", description="strength of the data augmentation")
    crop_jitter: float = Field(
        0.0,
        ge=0,
        le=0.2,
        description="largest random shift and scale change of a crop per epoch, as a share of its side, added to the augmentation; stored predictions stay the targets; 0: off",
    )
    mixup: float = Field(0.0, ge=0, le=1, description="alpha of mixup; 0: off")
    cutmix: float = Field(
        0.0, ge=0, le=1, description="alpha of CutMix; 0: off; with mixup, each for half of the batches"
    )
    logit_adjustment: float = Field(
        0.0, ge=0, le=2, description="tau of the logit-adjusted loss (long-tailed labels); 0: off"
    )
    ema_decay: float = Field(0.0, ge=0, lt=1, description="EMA decay of the averaged weights, per step; 0: off")
    shared_batch_norm: bool = Field(
        True, description="synchronised batch normalisation of several processes; false: statistics per process, faster"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="mixed precision: bfloat16 is faster on CPUs and GPUs that support it"
    )
    initial_weights: str = Field(
        "lite0",
        description="lite0, imagenet, lite2 (for the architecture lite2), none, a run, a checkpoint or an exported network; see data/README.md",
    )
    label_source: Literal["fer", "ferplus", "blend"] = Field(
        "fer", description="targets: folder labels, FER+ votes, or a blend of both"
    )
    vote_share: float = Field(0.5, ge=0, le=1, description="weight of the votes in blended targets")
    ferplus_csv: Path | None = Field(None, description="table of FER+ votes, one row per image name")
    teachers: str | None = Field(
        None,
        description="distillation teachers: runs or exported networks, separated by commas, one file of stored predictions (.npz), or both; empty: none",
    )
    teacher_share: float = Field(0.5, ge=0, le=1, description="weight of the teachers' predictions in the targets")
    teacher_views: int = Field(
        0,
        ge=0,
        le=1000,
        description="fixed augmented views of each image, whose teachers' predictions are computed once and kept in the run's folder; 0: predict in every step",
    )
    frozen_backbone: bool = Field(
        False,
        description="train only the classifier of the network in initial_weights, on cached features; takes minutes",
    )
    head_views: int = Field(4, ge=1, le=100, description="augmented views of each image's features (frozen_backbone)")
    head_reset: bool = Field(
        False, description="start from a random classifier instead of that of initial_weights (frozen_backbone)"
    )
    head_seeds: int = Field(
        5, ge=1, le=100, description="classifiers trained, of which the best is kept (frozen_backbone)"
    )
    max_images: int | None = Field(
        None, ge=1, description="limit of images per split, for a quick trial; empty: all images"
    )
    color: Literal["grey", "rgb"] = Field("grey", description="colour of the network's input")
    # Medians over 500 images of FER2013, measured with the detector.
    crop_scale: float = Field(
        0.95, gt=0, le=4, description="side of the training images relative to the longer side of the detector's box"
    )
    crop_shift_y: float = Field(
        -0.01,
        ge=-1,
        le=1,
        description="vertical offset of their centre from the box's centre, in the same unit; positive: below",
    )
    crop_detail: int = Field(
        0,
        ge=0,
        le=1024,
        description="crops are reduced to this side, in pixels, before they get image_size; 0: no limit",
    )
    keep_by: Literal["accuracy", "balanced_accuracy", "macro_f1", "mean", "loss", "last"] = Field(
        "accuracy",
        description="checkpoint selection: epoch with the best validation accuracy, balanced accuracy, macro-F1, mean of these three, or loss; or the last epoch",
    )
    label_offsets: float | None = Field(
        None,
        ge=0,
        le=1,
        description="per-class logit offsets, fitted on validation after training to targets with this weight of FER+ votes; empty: none",
    )
    time_limit_s: float = Field(
        0,
        ge=0,
        description="time limit of training, in seconds; the schedule is shortened to end by then; 0: none",
    )
    checkpoint_s: float = Field(0, ge=0, description="least seconds between two checkpoints; 0: one after every epoch")
    seed: int = Field(0, ge=0, description="seed of all random numbers")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="device to train on")
    processes: int = Field(1, ge=1, description="data-parallel processes, such as one per GPU")
    data_dir: Path = Field(Path("data/images"), description="folder with train/ and validation/")
    runs_dir: Path = Field(Path("runs"), description="folder that gets one folder per run")
    run_name: str = Field(
        "b0", pattern=r"^[A-Za-z0-9._-]+$", description="name of the run's folder, after its start time"
    )
    resume: str = Field(
        "auto",
        description="auto: resume an unfinished run of this name and these settings; never; or the folder of a run to resume",
    )

    @field_validator("data_dir", "runs_dir", "ferplus_csv")
    @classmethod
    def _locate(cls, path: Path | None) -> Path | None:
        return locate(path)

    @property
    def teachers_file(self) -> Path | None:
        """The file of stored predictions among `teachers`, the first if there are several."""
        return next((locate(Path(name)) for name in self._teachers() if name.endswith(".npz")), None)

    @property
    def teacher_networks(self) -> tuple[str, ...]:
        """The runs and exported networks among `teachers`."""
        return tuple(name for name in self._teachers() if not name.endswith(".npz"))

    def _teachers(self) -> list[str]:
        return [name.strip() for name in (self.teachers or "").split(",") if name.strip()]
