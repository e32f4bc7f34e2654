"""`fer-lib video`: track the faces of a video and classify their emotions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_lib.command_line import CommandParser
from fer_lib.labels import EMOTIONS
from fer_lib.optional_packages import require
from fer_lib.recording.durations import Tally
from fer_lib.settings.vision import VisionSettings
from fer_lib.terminal import printable

if TYPE_CHECKING:
    from fer_lib.vision.media.video import Video

ABOUT = """\
Track the faces of a video and classify their emotions: -o writes an annotated video, --csv and --json a table; the
summary lists the seconds of each emotion per face. Timestamps are those of the file (variable frame rates work), and
memory use does not depend on the length. Outputs are written atomically: an error or Ctrl-C leaves none. Exits with 1
if the video is damaged and was read only in part."""
EXAMPLES = """\
fer-lib video talk.mp4
fer-lib video talk.mp4 -o talk-faces.mp4
fer-lib video talk.mov --csv talk.csv --json talk.json
fer-lib video talk.mp4 --csv talk.csv SMOOTHING_S=0 DETECT_INTERVAL_S=0"""
MAX_LISTED_FACES = 12  # lines of the summary


def main(words: list[str], prog: str = "fer-lib video") -> int:
    """Run the command and return the exit status.

    Raises:
        ValueError: if an argument, a setting or the video is wrong.
        FileNotFoundError: if the video, weights or the folder of an output are missing.
        ModuleNotFoundError: if a package is missing, with the command that installs it.
    """
    parser = CommandParser(prog, ABOUT, EXAMPLES, "video")
    parser.add_argument("video", type=Path, help="video: MP4, MOV, MKV, WebM, AVI, MPEG, FLV, Ogg, WMV, GIF and others")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="PATH", help="annotated video: .mp4, .m4v, .mov, .mkv or .webm"
    )
    parser.add_argument("--csv", type=Path, metavar="PATH", help="table with one row per face and frame")
    parser.add_argument("--json", type=Path, metavar="PATH", help="the same as JSON, one line per frame")
    parser.add_settings(VisionSettings, "settings of detection, tracking and classification")
    paths, given = parser.parse_words(words)
    return _process(paths.video, paths.output, paths.csv, paths.json, VisionSettings.load(**given))


def _process(source: Path, out: Path | None, csv: Path | None, json: Path | None, settings: VisionSettings) -> int:
    require("the command", "files", av="av", tqdm="tqdm")
    from fer_lib.vision.media.annotation import annotate_video
    from fer_lib.vision.pipeline import load_pipeline

    pipeline = load_pipeline(settings)
    with progress_bar() as on_frame:
        report = annotate_video(source, out, csv=csv, json=json, pipeline=pipeline, on_frame=on_frame)
    print(summary(source, report.tally))
    for path in (out, csv, json):
        if path is not None:
            print(f"written: {printable(path)}")
    for sentence in report.notes:
        print(f"fer-lib video: {printable(sentence)}", file=sys.stderr)
    for sentence in report.damage:
        sentence = f"{source} is damaged: {sentence}; the readable part was used"
        print(f"fer-lib video: {printable(sentence)}", file=sys.stderr)
    return 1 if report.damage else 0


@contextmanager
def progress_bar() -> Iterator[Callable[[Video], None]]:
    """Show a progress bar (on a terminal only) and yield the function to call after each frame."""
    from tqdm import tqdm

    bar: Any = tqdm(unit=" frames", disable=None, dynamic_ncols=True)

    def count(video: Video) -> None:
        bar.total = bar.total or video.expected_frames or None
        bar.update()

    with bar:
        yield count


def summary(source: Path, tally: Tally) -> str:
    """Return how long each face was in view and the shares of its emotions, those seen longest first."""
    total = tally.total()
    faces = sorted(tally.by_face(), key=lambda one: -one["seen_s"])
    head = f"{printable(source)}: {tally.frames} frames, {total['duration_s']:.1f} s"
    if not faces:
        return f"{head}, no face"
    rows = [
        f"  Face {one['track_id']:<6}{one['seen_s']:>8.1f} s   {_format_shares(one)}"
        for one in faces[:MAX_LISTED_FACES]
    ]
    if len(faces) > MAX_LISTED_FACES:
        rows.append(f"  and {len(faces) - MAX_LISTED_FACES} more that were seen for a shorter time")
    if total["no_face_s"] > 0:
        rows.append(f"  no face    {total['no_face_s']:>8.1f} s")
    return "\n".join([f"{head}, {len(faces)} {'face' if len(faces) == 1 else 'faces'}", *rows])


def _format_shares(face: dict[str, Any]) -> str:
    shares = sorted(((face[label], label) for label in EMOTIONS if face[label] >= 0.005), reverse=True)
    return ", ".join(f"{label} {share:.0%}" for share, label in shares)
