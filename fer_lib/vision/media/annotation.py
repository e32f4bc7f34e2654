"""Annotate photo and video files: draw faces and emotions, and write them as CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from fer_lib.atomic_write import check_output_path
from fer_lib.faces import Faces
from fer_lib.recording.durations import Tally
from fer_lib.recording.writing import check_suffix, open_recording
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.media.overlay import draw_faces
from fer_lib.vision.media.photo import check_photo_suffix, read_photo, write_photo
from fer_lib.vision.media.video import Video
from fer_lib.vision.media.video_writer import choose_encoder, open_video
from fer_lib.vision.pipeline import Pipeline, load_pipeline

Name = Path | str


@dataclass
class VideoReport:
    """Result of annotating a video.

    Attributes:
        frames: number of decoded frames.
        tally: duration of each emotion by face.
        damage: sentences about what could not be decoded; empty for an intact file.
        notes: sentences about what the output lacks.
    """

    frames: int = 0
    tally: Tally = field(default_factory=Tally)
    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def annotate_photo(source: Name, out: Name | None = None, pipeline: Pipeline | None = None) -> Faces:
    """Detect and classify the faces of a photo, with its EXIF orientation applied, and draw them into `out`.

    Args:
        source: JPEG, PNG, WebP, TIFF or BMP.
        out: path of the annotated photo; its suffix selects the format. `None`: not written.
        pipeline: a loaded pipeline, to share it between photos.

    Returns:
        The faces, the largest first; may be empty.

    Raises:
        FileNotFoundError: if `source` or the folder of `out` is missing.
        ValueError: if `source` is not a photo or too large, or `out` is the same file or has no suffix of a photo.
    """
    if out is not None:
        _check_output(Path(source), Path(out))
        check_photo_suffix(Path(out))
    pipeline = pipeline or load_pipeline()
    frame = read_photo(source, pipeline.settings.max_pixels)
    faces = pipeline.analyze(frame)
    if out is not None:
        write_photo(out, draw_faces(frame, faces))
    return faces


def annotate_video(
    source: Name,
    out: Name | None = None,
    *,
    csv: Name | None = None,
    json: Name | None = None,
    pipeline: Pipeline | None = None,
    on_frame: Callable[[Video], None] | None = None,
) -> VideoReport:
    """Track the faces of a video; draw them into `out`, record them in `csv` and `json`, or any of these.

    Outputs are written atomically; after an error or Ctrl-C there are none. Of a damaged video, the frames that can be
    decoded are processed. Memory is independent of the duration.

    Args:
        source: a video in a container of `fer_lib.vision.media.containers.CONTAINERS`, frames of at most `MAX_PIXELS`.
        out: `.mp4`, `.m4v`, `.mov`, `.mkv` or `.webm`, with the times and, if the container supports it, the sound of `source`.
        csv: path of a recording with a row per face and frame (read by `fer_lib.recording`).
        json: path of the same recording with a line per frame.
        pipeline: a loaded pipeline; it is reset.
        on_frame: called after each frame, for a progress bar.

    Raises:
        FileNotFoundError: if `source` or the folder of an output is missing.
        ValueError: if `source` is not a video or has too large frames, or the suffix of an output is not supported.
        ModuleNotFoundError: if PyAV is missing, with the command that installs it.
    """
    _check_video_outputs(Path(source), out, csv, json)
    report = VideoReport()
    with ExitStack() as stack:
        max_pixels = (pipeline.settings if pipeline else VisionSettings.load()).max_pixels
        video = stack.enter_context(Video(source, max_pixels))
        pipeline = pipeline or load_pipeline()
        pipeline.reset()
        recorders = [stack.enter_context(open_recording(path)) for path in (csv, json) if path is not None]
        writer = None if out is None else stack.enter_context(open_video(out, video))
        report.notes = [] if writer is None else writer.notes
        for time_s, frame in video.frames(None if writer is None else writer.write_sound):
            faces = pipeline.process(frame, time_s)
            report.tally.add(time_s, faces)
            for recorder in recorders:
                recorder.write(time_s, report.frames, faces)
            if writer is not None:
                writer.write(time_s, draw_faces(frame, faces))
            report.frames += 1
            if on_frame is not None:
                on_frame(video)
        report.damage = video.damage
    return report


def _check_video_outputs(source: Path, out: Name | None, csv: Name | None, json: Name | None) -> None:
    """Check all outputs before processing."""
    for name, path, suffix in (("csv", csv, ".csv"), ("json", json, ".json")):
        if path is not None and check_suffix(Path(path)) != suffix:
            raise ValueError(f"`{name}` must end in {suffix}, but got {path}")
    if out is not None:
        choose_encoder(Path(out))
    for path in (out, csv, json):
        if path is not None:
            _check_output(source, Path(path))


def _check_output(source: Path, out: Path) -> None:
    if out.exists() and source.exists() and out.samefile(source):
        raise ValueError(f"the output must not take the place of the input, but both are {source}")
    check_output_path(out)
