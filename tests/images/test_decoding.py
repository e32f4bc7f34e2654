"""Every odd picture ends in pixels or in one clear sentence, behind every door that takes pictures."""

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

ODD = malformed_images()
GOOD = [name for name in ODD if name.startswith("good")]
BAD = [name for name in ODD if not name.startswith("good")]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load_pipeline(VisionSettings())


@pytest.mark.parametrize("name", GOOD)
def test_decode_shows_what_can_be_shown(name):
    pixels = decode(ODD[name])
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    if "×" not in name:
        assert pixels.shape == ((WIDTH, HEIGHT, 3) if "rotated" in name else (HEIGHT, WIDTH, 3))


@pytest.mark.parametrize("name", BAD)
def test_decode_refuses_with_a_sentence(name):
    with pytest.raises(ValueError, match=r"^`data` must ") as refusal:
        decode(ODD[name])
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", [name for name in BAD if "bomb" in name or "2**31" in name])
def test_decode_opens_no_bomb(name, monkeypatch):
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(TooManyPixelsError, match=f"at most {MAX_PIXELS} pixels"):
        decode(ODD[name])


def test_decode_turns_as_exif_says():
    upright, lying = decode(ODD["good rotated png"]), decode(ODD["good png"])
    np.testing.assert_array_equal(upright, np.rot90(lying, -1))


def test_decode_keeps_grey_where_it_may():
    assert decode(ODD["good grey jpeg"], keep_grey=True).ndim == 2
    assert decode(ODD["good 16-bit png"], keep_grey=True).dtype == np.uint8
    np.testing.assert_array_equal(decode(ODD["good png"], keep_grey=True), decode(ODD["good png"]))


@pytest.mark.parametrize("suffix", [".tif", ".bmp"])
def test_decode_takes_other_kinds_only_where_asked(suffix):
    frame = np.arange(90, dtype=np.uint8).reshape(5, 6, 3)
    data = cv2.imencode(suffix, frame[..., ::-1])[1].tobytes()
    np.testing.assert_array_equal(decode(data, kinds=PHOTO), frame)
    with pytest.raises(ValueError, match="JPEG, PNG or WebP"):
        decode(data)
    with pytest.raises(TooManyPixelsError):
        decode(data, max_pixels=29, kinds=PHOTO)


def test_the_setting_and_the_default_are_one():
    assert VisionSettings().max_pixels == MAX_PIXELS


@pytest.mark.parametrize("name", ODD)
def test_a_stream_goes_on_after_any_picture(pipeline, name):
    if name in GOOD:
        assert len(pipeline.process_jpeg(ODD[name], 1.0)) == 0
    else:
        with pytest.raises(ValueError, match="`data` must"):
            pipeline.process_jpeg(ODD[name], 1.0)


def test_photos_of_all_kinds_cost_one_line_each(tmp_path, capsys):
    for number, data in enumerate(ODD.values()):
        (tmp_path / f"{number:02}.jpg").write_bytes(data)
    assert photo([str(tmp_path), "--json"]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [("error" in line) for line in lines] == [name in BAD for name in ODD]


def test_a_bomb_takes_no_memory(pipeline):
    data = huge_png()
    tracemalloc.start()
    with pytest.raises(TooManyPixelsError):
        pipeline.process_jpeg(data, 0.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def encode(width: int, height: int, ending: str = ".jpg", orientation: int = 1) -> bytes:
    """A picture with a bright left half, and an EXIF entry that says how to turn it."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2] = 250
    data = cv2.imencode(ending, picture)[1].tobytes()
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
def test_decode_reduced_is_no_larger_than_needed(size, frame_size):
    frame, factor = decode_reduced(encode(*size), 100)
    assert frame.shape == (*frame_size[::-1], 3)
    np.testing.assert_allclose(factor * frame_size, size, rtol=1e-6)


def test_decode_reduced_other_files_as_they_are():
    frame, factor = decode_reduced(encode(300, 200, ".png"), 100)
    assert frame.shape == (200, 300, 3)
    assert factor.tolist() == [1, 1]


@pytest.mark.parametrize(("size", "turned"), [((400, 250), (63, 100)), ((250, 400), (100, 63))])
def test_decode_reduced_turned_by_exif(size, turned):
    frame, factor = decode_reduced(encode(*size, orientation=6), 100)
    assert frame.shape == (*turned[::-1], 3)
    np.testing.assert_allclose(factor * turned, size[::-1], rtol=1e-6)
    whole = decode(encode(*size, orientation=6))
    small = cv2.resize(whole, turned, interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - frame).mean() < 5


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff", encode(300, 200)[:40]])
def test_decode_reduced_refuses_what_is_no_picture(data):
    with pytest.raises(ValueError, match="must be a"):
        decode_reduced(data, 100)


def test_decode_reduced_counts_the_pixels_of_the_whole():
    with pytest.raises(TooManyPixelsError, match="at most 99999 pixels, but its header says 400 × 250"):
        decode_reduced(encode(400, 250), 100, max_pixels=99_999)
