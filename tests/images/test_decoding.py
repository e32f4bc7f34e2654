"""Decoding of valid, unusual and malformed image files: the result is pixels or one error message."""

import json
import tracemalloc

import cv2
import numpy as np
import pytest

from fer_lib.cli.photo import main as photo
from fer_lib.images import decoding
from fer_lib.images.decoding import MAX_PIXELS, TooManyPixelsError, decode, decode_reduced
from fer_lib.images.headers import PHOTO
from fer_lib.settings import VisionSettings
from fer_lib.vision.pipeline import Pipeline, load_pipeline
from harness.malformed_images import HEIGHT, WIDTH, huge_png, malformed_images

FILES = malformed_images()
VALID = [name for name in FILES if name.startswith("good")]
INVALID = [name for name in FILES if not name.startswith("good")]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_pipeline(VisionSettings())


@pytest.mark.parametrize("name", VALID)
def test_decode_valid_files(name):
    pixels = decode(FILES[name])
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    if "×" not in name:
        assert pixels.shape == ((WIDTH, HEIGHT, 3) if "rotated" in name else (HEIGHT, WIDTH, 3))


@pytest.mark.parametrize("name", INVALID)
def test_decode_invalid_files(name):
    with pytest.raises(ValueError, match=r"^`data` must ") as caught:
        decode(FILES[name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in INVALID if "bomb" in name or "2**31" in name])
def test_decode_refuses_bombs_by_their_header(name, monkeypatch):
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: pytest.fail("the decoder was called"))
    with pytest.raises(TooManyPixelsError, match=f"at most {MAX_PIXELS} pixels"):
        decode(FILES[name])


def test_decode_applies_exif_orientation():
    upright, stored = decode(FILES["good rotated png"]), decode(FILES["good png"])
    np.testing.assert_array_equal(upright, np.rot90(stored, -1))


def test_decode_keep_grey():
    assert decode(FILES["good grey jpeg"], keep_grey=True).ndim == 2
    assert decode(FILES["good 16-bit png"], keep_grey=True).dtype == np.uint8
    np.testing.assert_array_equal(decode(FILES["good png"], keep_grey=True), decode(FILES["good png"]))


@pytest.mark.parametrize("suffix", [".tif", ".bmp"])
def test_decode_kinds(suffix):
    frame = np.arange(90, dtype=np.uint8).reshape(5, 6, 3)
    data = cv2.imencode(suffix, frame[..., ::-1])[1].tobytes()
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), frame)
    with pytest.raises(ValueError, match="JPEG, PNG or WebP"):
        decode(data)
    with pytest.raises(TooManyPixelsError):
        decode(data, max_pixels=29, kinds=PHOTO)


def test_max_pixels_setting_equals_the_default():
    assert VisionSettings().max_pixels == MAX_PIXELS


@pytest.mark.parametrize("name", FILES)
def test_process_jpeg_continues_after_any_file(pipeline, name):
    if name in VALID:
        assert len(pipeline.process_jpeg(FILES[name], 1.0)) == 0
    else:
        with pytest.raises(ValueError, match="`data` must"):
            pipeline.process_jpeg(FILES[name], 1.0)


def test_photo_reports_one_line_per_file(tmp_path, capsys):
    for number, data in enumerate(FILES.values()):
        (tmp_path / f"{number:02}.jpg").write_bytes(data)
    assert photo([str(tmp_path), "--json"]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [("error" in line) for line in lines] == [name in INVALID for name in FILES]


def test_process_jpeg_bomb_allocates_no_memory(pipeline):
    data = huge_png()
    tracemalloc.start()
    with pytest.raises(TooManyPixelsError):
        pipeline.process_jpeg(data, 0.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def encode(width: int, height: int, suffix: str = ".jpg", orientation: int = 1) -> bytes:
    """Encode an image with a bright left half, and with an EXIF orientation."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 250
    data = cv2.imencode(suffix, pixels)[1].tobytes()
    if orientation == 1:
        return data
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + bytes(7)
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]


@pytest.mark.parametrize(
    ("size", "frame_size"),
    [
        ((99, 50), (99, 50)),
        ((199, 50), (199, 50)),
        ((200, 50), (100, 25)),
        ((201, 77), (101, 39)),
        ((50, 399), (25, 200)),
        ((400, 300), (100, 75)),
        ((801, 3), (101, 1)),
        ((5000, 10), (625, 2)),
    ],
)
def test_decode_reduced_size(size, frame_size):
    frame, factor = decode_reduced(encode(*size), 100)
    assert frame.shape == (*frame_size[::-1], 3)
    np.testing.assert_allclose(factor * frame_size, size, rtol=1e-6)


def test_decode_reduced_png_keeps_its_size():
    frame, factor = decode_reduced(encode(300, 200, ".png"), 100)
    assert frame.shape == (200, 300, 3)
    assert factor.tolist() == [1, 1]


@pytest.mark.parametrize(("size", "upright_size"), [((400, 250), (63, 100)), ((250, 400), (100, 63))])
def test_decode_reduced_applies_exif_orientation(size, upright_size):
    frame, factor = decode_reduced(encode(*size, orientation=6), 100)
    assert frame.shape == (*upright_size[::-1], 3)
    np.testing.assert_allclose(factor * upright_size, size[::-1], rtol=1e-6)
    whole = decode(encode(*size, orientation=6))
    small = cv2.resize(whole, upright_size, interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - frame).mean() < 5


@pytest.mark.parametrize("data", [b"", b"no image", b"\xff\xd8\xff", encode(300, 200)[:40]])
def test_decode_reduced_invalid_files(data):
    with pytest.raises(ValueError, match="must be a"):
        decode_reduced(data, 100)


def test_decode_reduced_limits_the_full_size():
    with pytest.raises(TooManyPixelsError, match="at most 99999 pixels, but got 400 × 250"):
        decode_reduced(encode(400, 250), 100, max_pixels=99_999)
