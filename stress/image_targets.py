"""Fuzz targets for image decoding: header parser, decoder, and the pipeline on JPEG bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import atheris
import numpy as np

with atheris.instrument_imports(include=["fer_lib"]):
    from fer_lib.faces import Faces
    from fer_lib.images.decoding import decode
    from fer_lib.images.headers import PHOTO, check_decoding_cost, parse_image_file
    from fer_lib.images.jpeg import MAX_SCANS
    from fer_lib.settings import VisionSettings
    from fer_lib.vision.media.frames import as_frame
    from fer_lib.vision.pipeline import load_pipeline

FuzzTarget = Callable[[bytes], None]
MAX_PIXELS = 200_000  # larger images only take longer
MAX_ADDED_BYTES = 400  # a new directory of TIFF


def make_headers_target() -> FuzzTarget:
    """Make a target that parses image headers: a size, or a `ValueError`.

    The bytes that are passed to the decoder must parse to the same size, so that the parser cannot be bypassed.
    """

    def fuzz_one(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            image = parse_image_file(data, PHOTO)
            assert image.width > 0
            assert image.height > 0
            assert 1 <= image.orientation <= 8
            assert 1 <= image.scans <= MAX_SCANS
            assert len(image.data) <= len(data) + MAX_ADDED_BYTES
            again = parse_image_file(image.data, PHOTO)
            assert (again.width, again.height, again.scans) == (image.width, image.height, image.scans)
            assert again.orientation == 1
            if image.width * image.height <= MAX_PIXELS:
                check_decoding_cost(image)
            assert again.data == image.data or data.startswith((b"II", b"MM"))  # TIFF: one directory more each time

    return fuzz_one


def make_images_target() -> FuzzTarget:
    """Make a target that decodes images: the pixels have the size in the header, so the size limit holds."""

    def fuzz_one(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            pixels = decode(data, MAX_PIXELS, PHOTO, keep_grey=len(data) % 2 == 0)
            image = parse_image_file(data, PHOTO)
            size = (image.height, image.width) if image.orientation < 5 else (image.width, image.height)
            assert pixels.shape[:2] == size, (pixels.shape, image)
            assert pixels.dtype == np.uint8
            assert as_frame(pixels).shape[2] == 3

    return fuzz_one


def make_pipeline_target() -> FuzzTarget:
    """Make a target that runs the pipeline: finite boxes and probabilities, or a `ValueError`.

    The first two bytes are the time as float16; the image begins at the fifth.
    """
    pipeline = load_pipeline(VisionSettings.load(max_pixels=MAX_PIXELS))

    def fuzz_one(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            time_s = float(np.frombuffer(data[:4], np.float16)[0]) if len(data) >= 4 else 0.0
            _check_faces(pipeline.process_jpeg(data[4:], time_s))

    return fuzz_one


def _check_faces(faces: Faces) -> None:
    assert np.isfinite(faces.xyxy).all()
    if faces.probabilities is not None and len(faces):
        assert np.allclose(faces.probabilities.sum(axis=1), 1, atol=1e-4)
