"""Every knob, with its unit, its default and the values it may take.

A value comes from the first place that has it: an argument (in a notebook: a papermill parameter), the
environment, the nearest `.env` file, the default here. Nothing is read at import.
"""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import Field, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "FER_"
PROJECT = Path(__file__).parent.parent


class Settings(BaseSettings):
    """What the groups of settings below have in common: how they are loaded and how they complain."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, validate_default=True)

    @classmethod
    def load(cls, **arguments: Any) -> Self:
        """Resolve all settings of this group; an argument of `None` means "ask the environment".

        Raises:
            ValueError: if a value or a name is wrong; the sentence says which, and what is allowed.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        _refuse_unknown(given, set(cls.model_fields), "a setting")
        _refuse_unknown(_prefixed(os.environ), _known_variables(), "an environment variable")
        _refuse_unknown(_read_dotenv(), _known_variables(), "a name in .env")
        values = {**_from_dotenv(cls), **_from_environment(cls), **given}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            came_from = cls.sources(**given)
            raise ValueError("; ".join(_sentence(cls, detail, came_from) for detail in error.errors())) from None

    @classmethod
    def validate_value(cls, field: str, value: Any) -> Any:
        """Return one value, converted to the type of `field`, if its constraints allow it.

        Neither the environment nor a file is read and no validator of the class runs, so that a value from a message can
        be checked at any rate.

        Raises:
            ValueError: if the value is not allowed; the sentence says what is.
        """
        try:
            return _value_adapter(cls, field).validate_python(value)
        except ValidationError as error:
            detail = {**error.errors()[0], "loc": (field,)}
            raise ValueError(_sentence(cls, detail, {field: "parameter"})) from None

    @classmethod
    def parameters(cls, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Pick this group's settings out of a notebook's variables, where they are written in capitals."""
        return {field: variables.get(field.upper()) for field in cls.model_fields}

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable behind `field`."""
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    @classmethod
    def allowed(cls, field: str) -> str:
        """Say in words which values `field` may take."""
        return _in_words(cls.model_fields[field])

    @classmethod
    def sources(cls, **arguments: Any) -> dict[str, str]:
        """Say for each setting where `load(**arguments)` takes it from."""
        dotenv, environment = _from_dotenv(cls), _from_environment(cls)
        found = dict.fromkeys(cls.model_fields, "default")
        found |= dict.fromkeys(dotenv, ".env") | dict.fromkeys(environment, "environment")
        return found | {name: "parameter" for name, value in arguments.items() if value is not None}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from `load`, which decides where they come from."""
        return (init_settings,)


class VisionSettings(Settings):
    """How a frame is understood."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    weights_dir: Path | None = Field(None, description="folder of the weights; empty: the project's own")
    threads: int = Field(1, ge=1, le=64, description="threads of each network")
    min_face_size: int = Field(
        60, ge=12, le=1000, description="smallest face to look for, in pixels of a 640-pixel-wide frame"
    )
    pyramid_factor: float = Field(0.5, gt=0.1, lt=0.95, description="step between the scales that are searched")
    proposal_threshold: float = Field(0.6, gt=0, lt=1, description="confidence a place needs after the P-Net")
    refine_threshold: float = Field(0.7, gt=0, lt=1, description="confidence a box needs after the R-Net")
    output_threshold: float = Field(0.8, gt=0, lt=1, description="confidence a face needs after the O-Net")
    max_pixels: int = Field(
        50_000_000, ge=1000, le=1_000_000_000, description="largest image or video frame that is decoded, in pixels"
    )
    max_faces: int = Field(16, ge=1, le=200, description="faces reported per frame, the largest first")
    detect_interval_s: float = Field(
        0.5, ge=0, le=60, description="seconds between full detections while faces are followed; 0: every frame"
    )
    search_interval_s: float = Field(
        0.1, ge=0, le=60, description="seconds between full detections while there is no face"
    )
    retry_interval_s: float = Field(
        0.1, ge=0, le=1, description="least seconds between full detections that a lost face may force; 0: every frame"
    )
    follow_threshold: float = Field(
        0.7, gt=0, lt=1, description="confidence below which a followed face counts as lost"
    )
    cache_difference: float = Field(
        1.5,
        ge=0,
        le=255,
        description="mean change of a crop, in grey levels, below which its result is reused; 0: never",
    )
    cache_max_age_s: float = Field(
        0.25, ge=0, le=60, description="seconds after which a cached result is recomputed anyway"
    )
    recognize_interval_s: float = Field(
        0.08, ge=0, le=60, description="least seconds between two looks at the emotion of one face; 0: every frame"
    )
    recognize_at_once: int = Field(
        1, ge=1, le=200, description="known faces whose emotion is looked at in one frame; the others wait their turn"
    )
    follow_at_once: int = Field(
        2, ge=1, le=200, description="faces followed in one frame; the others move on as before until their turn"
    )
    track_overlap: float = Field(0.3, gt=0, lt=1, description="IoU from which two boxes are the same face")
    track_patience_s: float = Field(0.7, ge=0, le=60, description="seconds an unseen face keeps its number")
    smoothing_s: float = Field(0.25, ge=0, le=60, description="time constant of the probabilities; 0: off")
    box_smoothing_s: float = Field(
        0.15, ge=0, le=60, description="time constant of the box of a still face, a moving one is not held; 0: off"
    )


class LiveSettings(Settings):
    """How the live page captures and shows."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    capture_width: int = Field(640, ge=160, le=3840, description="width of captured frames, in pixels")
    jpeg_quality: float = Field(0.8, ge=0.1, le=1, description="quality of captured frames")
    max_in_flight: int = Field(2, ge=1, le=8, description="frames sent and not yet answered")
    target_rate: float = Field(30, ge=1, le=120, description="results a second to aim for")
    demo_first: bool = Field(False, description="begin with the demo, until the visitor stops it")
    mirror: bool = Field(True, description="show the camera like a mirror")
    uncertain_below: float = Field(
        0.5,
        ge=0,
        le=0.95,
        description="probability below which the page says uncertain instead of an emotion; 0: never",
    )
    calibration_s: float = Field(
        5, ge=1, le=60, description="seconds of a visitor's face at rest that make a personal baseline"
    )
    max_clip_s: float = Field(
        600, ge=1, le=7200, description="seconds of an annotated clip, which the browser keeps until it is saved"
    )
    max_recording_rows: int = Field(
        100_000, ge=1, le=1_000_000, description="rows of a recording kept in memory, about an hour of one face"
    )
    frame_timeout_s: float = Field(
        2, ge=0.1, le=60, description="seconds after which an unanswered frame counts as lost"
    )
    kernel_timeout_s: float = Field(
        8, ge=1, le=600, description="seconds without any answer after which the kernel counts as gone"
    )
    max_frame_mb: float = Field(8, gt=0, le=64, description="largest frame accepted, in megabytes")


class PageSettings(Settings):
    """How the live page is served, and who looks at its frames."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    service_url: str | None = Field(
        None,
        pattern=r"^(http|ws)s?://\S+$",
        description="address of the service that looks at the page's frames, such as http://localhost:8000; empty: each kernel itself",
    )
    service_timeout_s: float = Field(
        2, ge=0.1, le=60, description="seconds without an answer after which the service counts as gone"
    )
    service_retry_s: float = Field(
        5, ge=0.1, le=3600, description="seconds between two looks whether a service that was gone is back"
    )
    allowed_hosts: str | None = Field(
        None,
        pattern=r"^(\*|[\w.-]+|\[[\da-fA-F:.]+\])(, ?(\*|[\w.-]+|\[[\da-fA-F:.]+\]))*$",
        description="host names of the page beside localhost, without ports, with commas between; other `Host` headers get 403; *: any",
    )
    max_visitors: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="visitors of one server at a time; more get a page that says so; 0: any number; empty: what the memory holds, 200 MB each",
    )
    connect_timeout_s: float = Field(
        30,
        ge=0,
        le=3600,
        description="seconds after a page was sent in which it must connect to its kernel, or the kernel is ended; 0: any time",
    )
    reconnect_timeout_s: float = Field(
        120,
        ge=0,
        le=86400,
        description="seconds after which a kernel ends whose page has lost its connection; 0: ten minutes",
    )
    max_session_s: float = Field(
        0, ge=0, le=1_000_000, description="seconds after which a visitor's kernel is ended; 0: never"
    )


class TrainingSettings(Settings):
    """How a network learns. The first eight are the usual ones; the rest have good defaults."""

    learning_rate: float = Field(0.001, gt=0, le=10, description="initial learning rate (peak, for one-cycle)")
    batch_size: int = Field(32, ge=1, le=65536, description="images per step")
    num_epochs: int = Field(22, ge=1, le=10000, description="passes over the training images")
    dropout_rate: float = Field(0.4, ge=0, lt=1, description="share of features dropped before the last layer")
    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", description="how weights are updated")
    lr_step_size: int = Field(7, ge=1, description="epochs before decay (schedule: step)")
    lr_gamma: float = Field(0.1, gt=0, le=1, description="decay factor (schedule: step)")
    image_size: int = Field(256, ge=32, le=1024, description="side of the network's input, in pixels")

    architecture: Literal["b0", "lite2", "resnet18", "resnet18-wide", "resnet29", "mobilenet"] = Field(
        "b0",
        description="b0: EfficientNet-B0, the network in use; lite2 (EfficientNet-Lite2), resnet18, resnet18-wide (for 48 pixels), resnet29, mobilenet: teachers",
    )
    stochastic_depth: float = Field(0.2, ge=0, lt=1, description="chance that the last block of the network is skipped")
    schedule: Literal["step", "cosine", "onecycle"] = Field("step", description="how the learning rate changes")
    weight_decay: float = Field(0.01, ge=0, le=1, description="pull of the weights towards zero")
    clip_norm: float = Field(
        0.0, ge=0, description="largest norm of a step's gradient, a remedy for jumps of the loss; 0: any"
    )
    sampler: Literal["balanced", "root", "none"] = Field(
        "balanced", description="balanced: every label is drawn as often; root: halfway there; none: as they come"
    )
    augmentation: Literal["none", "light", "strong"] = Field("light", description="how much images are varied")
    crop_jitter: float = Field(
        0.0,
        ge=0,
        le=0.2,
        description="largest shift and change of scale of a crop, as a share of its side, drawn anew in every epoch on top of the augmentation; stored predictions stay the targets; 0: off",
    )
    mixup: float = Field(0.0, ge=0, le=1, description="alpha of mixup; 0: off")
    cutmix: float = Field(
        0.0, ge=0, le=1, description="alpha of CutMix; 0: off; with mixup, each for half of the batches"
    )
    logit_adjustment: float = Field(
        0.0, ge=0, le=2, description="tau of the logit-adjusted loss, against the bias to frequent labels; 0: off"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each target spread over all labels")
    ema_decay: float = Field(0.0, ge=0, lt=1, description="decay of the averaged weights, per step; 0: off")
    shared_batch_norm: bool = Field(
        True, description="several processes normalise as one; false: each on its own, faster"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="arithmetic of a step; bfloat16 is faster on processors and graphics cards that have it"
    )
    initial_size: int | None = Field(
        None, ge=32, le=1024, description="side of the images in the first half of the epochs; empty: image_size"
    )
    initial_weights: str = Field(
        "lite0",
        description="lite0, imagenet, lite2 (for the architecture lite2), none, a run, a checkpoint or an exported network; see data/README.md",
    )
    label_source: Literal["fer", "ferplus", "blend"] = Field(
        "fer", description="targets: folder labels, FER+ votes, or a blend of both"
    )
    vote_share: float = Field(0.5, ge=0, le=1, description="share of the votes in blended targets")
    ferplus_csv: Path | None = Field(None, description="table of FER+ votes, one row per image name")
    teachers: str | None = Field(
        None,
        description="distillation teachers: runs or exported networks, with commas between, one file of stored predictions (.npz), or both; empty: none",
    )
    teacher_share: float = Field(0.5, ge=0, le=1, description="share of the teachers' predictions in the targets")
    teacher_views: int = Field(
        0,
        ge=0,
        le=1000,
        description="fixed augmented views of each image, whose teachers' predictions are computed once and kept in the run's folder; 0: predict in every step",
    )
    frozen_stages: int = Field(
        0, ge=0, le=8, description="first stages of b0 that stay as they are, which saves their part of a step; 0: none"
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
    max_images: int | None = Field(None, ge=1, description="use only so many images per split, for a quick try")
    color: Literal["grey", "rgb"] = Field("grey", description="colour of the network's input")
    # Measured with the detector on 500 images of FER2013: medians of how they are framed.
    crop_scale: float = Field(
        0.95, gt=0, le=4, description="side of the training images, in longer sides of the detector's box"
    )
    crop_shift_y: float = Field(
        -0.01, ge=-1, le=1, description="how far they lie below the box's centre, in the same unit"
    )
    crop_detail: int = Field(
        0, ge=0, le=1024, description="pixels a side that the training images have; 0: as many as the input"
    )
    keep_by: Literal["accuracy", "balanced_accuracy", "macro_f1", "mean", "loss", "last"] = Field(
        "accuracy",
        description="the epoch that is kept: that of the best validation accuracy, balanced accuracy, macro-F1, mean of these three, or loss; or the last",
    )
    label_offsets: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of the votes in what one offset for each label is fitted to at the end; empty: no offsets",
    )
    early_stopping: int = Field(0, ge=0, description="epochs without improvement before stopping; 0: off")
    time_limit_s: float = Field(
        0,
        ge=0,
        description="seconds of training after which the schedule ends, with fewer epochs than asked for; 0: none",
    )
    checkpoint_s: float = Field(0, ge=0, description="least seconds between two checkpoints; 0: one after every epoch")
    seed: int = Field(0, ge=0, description="seed of every random choice")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="where to train")
    processes: int = Field(1, ge=1, description="processes that share each batch, such as one per graphics card")
    data_dir: Path = Field(Path("data/images"), description="folder with train/ and validation/")
    runs_dir: Path = Field(Path("runs"), description="folder that gets one folder per run")
    run_name: str = Field("b0", pattern=r"^[A-Za-z0-9._-]+$", description="name of the run's folder, after its time")
    resume: str = Field("auto", description="auto, never, or the folder of a run to go on with")

    @field_validator("data_dir", "runs_dir", "ferplus_csv")
    @classmethod
    def _locate(cls, path: Path | None) -> Path | None:
        """Take a relative path from the current folder if it is there, else from the project's folder."""
        return _locate(path)

    @property
    def teachers_file(self) -> Path | None:
        """The file of stored predictions among `teachers`, the first if there are several."""
        return next((_locate(Path(name)) for name in self._teachers() if name.endswith(".npz")), None)

    @property
    def teacher_networks(self) -> tuple[str, ...]:
        """The runs and exported networks among `teachers`."""
        return tuple(name for name in self._teachers() if not name.endswith(".npz"))

    def _teachers(self) -> list[str]:
        return [name.strip() for name in (self.teachers or "").split(",") if name.strip()]


class EvaluationSettings(Settings):
    """How a network is judged."""

    weights: Path | None = Field(None, description="ONNX file to judge, its card beside it; empty: the project's own")
    data_dir: Path = Field(Path("data/images"), description="folder with train/, validation/ and test/")
    split: Literal["train", "validation", "test"] = Field("test", description="images to judge on")
    max_images: int | None = Field(None, ge=1, description="use only so many images per split, for a quick try")
    ferplus_csv: Path | None = Field(None, description="table of FER+ votes, one row per image name")
    flip: bool = Field(False, description="average the answers to each image and to its mirror image")
    uncertain_below: float = Field(0.6, ge=0, lt=1, description="confidence below which an answer counts as uncertain")
    robustness_images: int = Field(1000, ge=1, description="images that each disturbance is tried on")

    @field_validator("weights", "data_dir", "ferplus_csv")
    @classmethod
    def _locate(cls, path: Path | None) -> Path | None:
        return _locate(path)


class ServiceSettings(Settings):
    """How the service answers over HTTP."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}SERVICE_")

    host: str = Field("127.0.0.1", description="address to listen at; 0.0.0.0: every one of this computer")
    port: int = Field(8000, ge=1, le=65535, description="port to listen at")
    processes: int = Field(1, ge=1, le=64, description="processes that answer; each loads the networks")
    threads: int = Field(2, ge=1, le=64, description="pictures that one process looks at at a time")
    max_waiting: int = Field(16, ge=0, le=10000, description="pictures that may wait for a thread; more are refused")
    retry_after_s: int = Field(1, ge=1, le=3600, description="seconds after which a refused client may try again")
    max_upload_bytes: int = Field(
        8_000_000, ge=1000, le=1_000_000_000, description="largest request, in bytes; a batch counts as one"
    )
    max_pixels: int = Field(25_000_000, ge=1000, le=1_000_000_000, description="largest picture, in pixels")
    max_batch: int = Field(16, ge=1, le=1000, description="most pictures in one batch")
    batching: bool = Field(
        False, description="faces of pictures that are looked at at a time go through the emotion network together"
    )
    max_streams: int = Field(16, ge=1, le=10000, description="streams that one process serves at a time")
    max_streams_per_address: int = Field(
        4, ge=1, le=10000, description="streams of one client address at a time; this computer's own are not limited"
    )
    stream_idle_s: float = Field(
        30, ge=0.1, le=86400, description="seconds without a frame after which a stream is closed"
    )
    stream_messages_per_s: float = Field(
        200, ge=1, le=100_000, description="texts and frames sent ahead of the answers, a second; more close the stream"
    )
    stream_mb_per_s: float = Field(
        10, ge=0.1, le=10_000, description="megabytes of these a second; more close the stream"
    )
    max_waiting_bytes: int = Field(
        64_000_000, ge=1000, le=100_000_000_000, description="bytes of all requests and waiting frames of one process"
    )
    body_timeout_s: float = Field(60, ge=0.1, le=86400, description="seconds in which a request must be complete")
    allowed_hosts: str = Field(
        "",
        description="names besides localhost in the Host header, with commas between; * allows any; empty: any, unless host is local",
    )
    allowed_origins: str = Field(
        "",
        pattern=r"^\s*((\*|null|[a-z-]+://[^\s,/]+/?)\s*(,\s*|$))*$",
        description="origins of web pages that may use the service, with commas between, such as https://faces.example.org; * allows any; empty: its own",
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="addresses of proxies whose X-Forwarded-For header is used, with commas between; * trusts any",
    )
    root_path: str = Field(
        "", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="path under which a proxy serves the service, such as /faces"
    )


GROUPS: tuple[type[Settings], ...] = (
    VisionSettings,
    LiveSettings,
    PageSettings,
    TrainingSettings,
    EvaluationSettings,
    ServiceSettings,
)


def _locate(path: Path | None) -> Path | None:
    """Take a relative path from the current folder if it is there, else from the project's folder."""
    return path if path is None or path.is_absolute() or path.exists() else PROJECT / path


@functools.cache
def _value_adapter(group: type[Settings], field: str) -> TypeAdapter[Any]:
    info = group.model_fields[field]
    return TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]


def _known_variables() -> set[str]:
    return {group.variable(field) for group in GROUPS for field in group.model_fields}


def _prefixed(environment: Any) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.upper().startswith(PREFIX)}


def find_dotenv() -> Path | None:
    """Return the nearest `.env`, from the working folder upwards to the root of the project around it."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / ".env").is_file():
            return folder / ".env"
        if (folder / "pyproject.toml").is_file() or (folder / ".git").exists():
            break
    return None


def _read_dotenv() -> dict[str, str]:
    path = find_dotenv()
    if path is None:
        return {}
    with path.open(encoding="utf-8") as stream:
        for binding in parse_stream(stream):
            if binding.error:
                line, text = binding.original.line, binding.original.string.strip()
                raise ValueError(f"line {line} of {path} must be NAME=value, but got {text!r}")
    return {name: value for name, value in dotenv_values(path).items() if value}


def _from_dotenv(group: type[Settings]) -> dict[str, str]:
    return _select(group, _read_dotenv())


def _from_environment(group: type[Settings]) -> dict[str, str]:
    return _select(group, os.environ)


def _select(group: type[Settings], variables: Any) -> dict[str, str]:
    upper = {name.upper(): value for name, value in variables.items() if value}
    names = {field: group.variable(field) for field in group.model_fields}
    return {field: upper[name] for field, name in names.items() if name in upper}


def _refuse_unknown(given: Any, known: set[str], what: str) -> None:
    for name in given:
        if name not in known and name.upper() not in known:
            in_any_case = {one.lower(): one for one in known}
            close = difflib.get_close_matches(name.lower(), in_any_case, n=1)
            hint = f"did you mean `{in_any_case[close[0]]}`?" if close else f"known are {', '.join(sorted(known))}"
            raise ValueError(f"`{name}` is not {what} that this project knows; {hint}")


def _sentence(group: type[Settings], detail: Any, came_from: dict[str, str]) -> str:
    field = str(detail["loc"][0])
    where = {"environment": " from the environment", ".env": " from .env"}.get(came_from[field], "")
    what = group.model_fields[field].description
    return f"`{group.variable(field)}` must be {group.allowed(field)}, but got {detail['input']!r:.200}{where} ({what})"


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path", str: "text"}
_BOUNDS = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below", "pattern": "matching"}


def _in_words(field: Any) -> str:
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    if get_origin(field.annotation) is Literal:
        *most, last = (repr(value) for value in kinds)
        return f"{', '.join(most)} or {last}"
    bounds = {
        bound: value
        for rule in field.metadata
        for bound in _BOUNDS
        if (value := getattr(rule, bound, None)) is not None
    }
    if bounds.keys() == {"ge", "le"}:
        return f"{_KINDS[kinds[0]]} from {bounds['ge']} to {bounds['le']}"
    return " ".join(
        [_KINDS[kinds[0]], " and ".join(f"{_BOUNDS[bound]} {value}" for bound, value in bounds.items())]
    ).strip()
