"""Fuzz targets for files: image folders, `fer-lib photo`, and videos."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import tempfile
from pathlib import Path
from unittest.mock import patch

import atheris

with atheris.instrument_imports(include=["fer_lib"]):
    from fer_lib.cli import photo as photo_command
    from fer_lib.crops import CropSpec
    from fer_lib.dataset.image_folders import load_split
    from fer_lib.settings import VisionSettings
    from fer_lib.vision.media.video import read_frames
    from fer_lib.vision.pipeline import load_pipeline

from stress.image_targets import MAX_PIXELS, FuzzTarget

PLAYLISTS = (b"#extm3u", b"ffconcat", b"<mpd", b"v=0", b"[playlist]")


def make_folder_target() -> FuzzTarget:
    """Make a target that loads a split of one image: one crop, or a `FileNotFoundError` if it cannot be decoded."""
    folder = Path(tempfile.mkdtemp(prefix="fer-fuzz-"))
    path = folder / "train" / "happy" / "a.png"
    path.parent.mkdir(parents=True)

    def fuzz_one(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(FileNotFoundError):
            split = load_split(folder, "train", CropSpec(size=32), max_images=10, quiet=True)
            assert split.images.shape == (1, 32, 32, 1)

    return fuzz_one


def make_photo_target() -> FuzzTarget:
    """Make a target that runs `fer-lib photo`: one line of JSON, and exit status 2 if the photo cannot be used."""
    folder = Path(tempfile.mkdtemp(prefix="fer-fuzz-"))
    pipeline = load_pipeline(VisionSettings.load(max_pixels=MAX_PIXELS))

    def fuzz_one(data: bytes) -> None:
        path = folder / "a.jpg"
        path.write_bytes(data)
        output = io.StringIO()
        with (
            patch("fer_lib.vision.pipeline.load_pipeline", lambda _: pipeline),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            status = photo_command.main([str(path), "--json"])
        assert (status == 2) == ("error" in json.loads(output.getvalue()))

    return fuzz_one


def make_videos_target() -> FuzzTarget:
    """Make a target that reads videos: frames within the size limit, or an error; playlists are always refused.

    Playlists name other files, which a video from a user must not open.
    """
    path = Path(tempfile.mkdtemp(prefix="fer-fuzz-")) / "a.mp4"

    def fuzz_one(data: bytes) -> None:
        path.write_bytes(data)
        read = 0
        with contextlib.suppress(ValueError, OSError):
            for _, frame in itertools.islice(read_frames(path, MAX_PIXELS), 20):
                assert frame.shape[0] * frame.shape[1] <= MAX_PIXELS
                read += 1
        assert not (read and data.lstrip().lower().startswith(PLAYLISTS))

    return fuzz_one
