"""Files go in, files come out: faces and emotions drawn onto photos and videos, or written down."""

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
    """What became of a video.

    Attributes:
        frames: how many were read.
        tally: how long who showed what.
        damage: sentences about what could not be read; empty for a whole file.
        notes: sentences about what the new video lacks.
    """

    frames: int = 0
    tally: Tally = field(default_factory=Tally)
    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def annotate_photo(source: Name, out: Name | None = None, pipeline: Pipeline | None = None) -> Faces:
    """Find the faces of a photo, turned upright as its EXIF entry says, and draw them into `out`.

    Args:
        source: JPEG, PNG, WebP, TIFF or BMP.
        out: where the annotated photo goes; its suffix decides the format. `None`: nowhere.
        pipeline: one that is loaded already, for many photos.

    Returns:
        The faces, the largest first; no faces are normal.

    Raises:
        FileNotFoundError: if `source` or the folder of `out` is missing.
        ValueError: if `source` is no photo or too large a one, or `out` names it or is of no kind of photo.
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
    """Follow the faces of a video; draw them into `out`, write them down in `csv` and `json`, or any of these.

    Outputs appear under their names when everything is done; after an error or Ctrl-C there are none. Of a
    damaged video, what can be decoded is used. Memory does not grow with the length.

    Args:
        source: a video in a container of `fer_lib.vision.media.containers.CONTAINERS`, frames of at most `MAX_PIXELS`.
        out: `.mp4`, `.m4v`, `.mov`, `.mkv` or `.webm`, with the times and, where it fits, the sound of `source`.
        csv: a recording, a row a face and frame (`fer_lib.recording` reads it back).
        json: the same with a line a frame.
        pipeline: one that is loaded already; its stream is begun anew.
        on_frame: is called after each frame, for a progress bar.

    Raises:
        FileNotFoundError: if `source` or the folder of an output is missing.
        ValueError: if `source` is no video or one of too large frames, or an output can't be what its name says.
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
    """Refuse what can't end well before the work begins."""
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
