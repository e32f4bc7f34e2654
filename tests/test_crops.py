import json

import numpy as np
import pytest

from fer_lib.boxes import as_boxes
from fer_lib.crops import CropSpec, crop_faces, crop_squares, normalize_crops, resize_face

NO_BOXES = np.zeros((0, 4), np.float32)


def make_gradient(height: int = 60, width: int = 80) -> np.ndarray:
    """Make a frame whose red is x, green is y and blue is 7."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([x, y, np.full_like(x, 7)]).astype(np.uint8)


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_crop_faces_empty(color: str) -> None:
    spec = CropSpec(48, color)  # type: ignore[arg-type]
    crops = crop_faces(make_gradient(), NO_BOXES, spec)
    assert crops.shape == (0, 48, 48, spec.channels)
    assert crops.dtype == np.uint8
    assert normalize_crops(crops, spec).shape == (0, spec.channels, 48, 48)


def test_crop_squares_empty() -> None:
    assert crop_squares(NO_BOXES, CropSpec(48)).shape == (0, 4)


def test_crop_faces_without_resizing_copies_pixels() -> None:
    frame = make_gradient()
    crops = crop_faces(frame, as_boxes([[10, 20, 26, 36], [30, 5, 46, 21]]), CropSpec(16, "rgb"))
    np.testing.assert_array_equal(crops[0], frame[20:36, 10:26])
    np.testing.assert_array_equal(crops[1], frame[5:21, 30:46])


def test_crop_faces_repeats_the_border() -> None:
    crop = crop_faces(make_gradient(), as_boxes([[-8, -8, 8, 8]]), CropSpec(16, "rgb"))[0]
    assert (crop[:9, :9] == [0, 0, 7]).all()
    np.testing.assert_array_equal(crop[0, 8:, 0], np.arange(8))


@pytest.mark.parametrize(
    ("box", "corner"),
    [((-90, -90, -50, -50), (0, 0)), ((200, 10, 220, 30), (79, 20)), ((10, 200, 30, 220), (20, 59))],
)
def test_crop_faces_outside_the_frame(box: tuple[int, ...], corner: tuple[int, int]) -> None:
    crop = crop_faces(make_gradient(), as_boxes([box]), CropSpec(8, "rgb"))[0]
    assert crop.std(axis=(0, 1)).max() == 0
    assert abs(int(crop[0, 0, 0]) - corner[0]) <= 10
    assert abs(int(crop[0, 0, 1]) - corner[1]) <= 10


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1), (1, 640, 3), (480, 1)])
def test_crop_faces_one_pixel_wide_frames(shape: tuple[int, ...]) -> None:
    frame = np.full(shape, 99, np.uint8)
    crops = crop_faces(frame, as_boxes([[0, 0, 1, 1], [-3, -3, 9, 9], [5, 5, 5, 5]]), CropSpec(12, scale=1.4))
    assert (crops == 99).all()


def test_crop_faces_grey_frame_equals_rgb_frame() -> None:
    frame = np.repeat(make_gradient()[..., :1], 3, axis=2)
    boxes = as_boxes([[10, 20, 33, 36]])
    for color in ("grey", "rgb"):
        spec = CropSpec(24, color)  # type: ignore[arg-type]
        np.testing.assert_array_equal(crop_faces(frame, boxes, spec), crop_faces(frame[..., 0], boxes, spec))


def test_crop_faces_does_not_modify_the_frame() -> None:
    frame = make_gradient()
    crop_faces(frame, as_boxes([[10, 20, 26, 36]]), CropSpec(16, "rgb"))[:] = 0
    np.testing.assert_array_equal(frame, make_gradient())


def test_crop_squares_scale_and_shift() -> None:
    boxes = as_boxes([[10, 20, 30, 60]])
    np.testing.assert_array_equal(crop_squares(boxes, CropSpec(48)), [[0, 20, 40, 60]])
    np.testing.assert_array_equal(crop_squares(boxes, CropSpec(48, scale=1.5)), [[-10, 10, 50, 70]])
    np.testing.assert_array_equal(crop_squares(boxes, CropSpec(48, shift_y=0.25)), [[0, 30, 40, 70]])


def test_crop_squares_have_at_least_one_pixel() -> None:
    squares = crop_squares(as_boxes([[7, 7, 7, 7], [9, 9, 4, 4]]), CropSpec(48))
    assert (squares[:, 2:] - squares[:, :2] == 1).all()


def test_resize_face_limits_detail() -> None:
    sharp = (np.indices((96, 96)).sum(axis=0) % 2 * 255).astype(np.uint8)
    limited = resize_face(sharp, CropSpec(96, detail=48))
    assert sharp.std() > 100
    assert limited.std() < 1
    small = sharp[:48, :48]
    np.testing.assert_array_equal(resize_face(small, CropSpec(48, detail=48))[..., 0], small)


def test_resize_face_keeps_the_mean() -> None:
    face = np.random.default_rng(3).integers(0, 256, (101, 101), np.uint8)
    assert abs(resize_face(face, CropSpec(48)).mean() - face.mean()) < 1


def test_normalize_crops_known_values() -> None:
    spec = CropSpec(2, "rgb", mean=0.5, std=0.25)
    crops = np.zeros((2, 2, 2, 3), np.uint8)
    crops[1, ..., 1] = 255
    values = normalize_crops(crops, spec)
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    np.testing.assert_allclose(values[0], -2)
    np.testing.assert_allclose(values[1, 1], 2, rtol=1e-6)
    np.testing.assert_allclose(values[1, [0, 2]], -2)


def test_crop_spec_json_round_trip() -> None:
    spec = CropSpec(64, "rgb", 1.2, 0.05, 48, 0.4, 0.3)
    assert CropSpec(**json.loads(json.dumps(spec.as_dict()))) == spec


@pytest.mark.parametrize(
    "invalid",
    [
        {"size": 0},
        {"color": "bgr"},
        {"scale": 0},
        {"scale": float("nan")},
        {"std": -1},
        {"std": float("nan")},
        {"detail": -1},
    ],
)
def test_crop_spec_invalid_values(invalid: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(invalid))):
        CropSpec(**{"size": 48, **invalid})  # type: ignore[arg-type]
