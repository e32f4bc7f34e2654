import numpy as np
import pytest

from fer_lib.boxes import as_boxes, box_centers, box_sizes, clip_boxes, iou

NO_BOXES = np.zeros((0, 4), np.float32)
ONE_BOX = as_boxes([[10, 20, 40, 60]])


@pytest.mark.parametrize("empty", [[], [[]], np.zeros((0, 4)), np.zeros((0, 9)), ()])
def test_as_boxes_empty(empty: object) -> None:
    boxes = as_boxes(empty)  # type: ignore[arg-type]
    assert boxes.shape == (0, 4)
    assert boxes.dtype == np.float32


@pytest.mark.parametrize("wrong", [[1, 2, 3, 4], [[1, 2, 3]], [[1, 2, 3, 4, 5]], [[[1, 2, 3, 4]]], 3.0])
def test_as_boxes_wrong_shape(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"`xyxy` must have the shape \(n, 4\), but got"):
        as_boxes(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_as_boxes_not_finite(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        as_boxes([[0, 0, 1, wrong]])


def test_as_boxes_integers() -> None:
    boxes = as_boxes(np.array([[1, 2, 3, 4]], np.int64))
    assert boxes.dtype == np.float32
    np.testing.assert_array_equal(boxes, [[1, 2, 3, 4]])


def test_clip_boxes_empty() -> None:
    assert clip_boxes(NO_BOXES, 640, 480).shape == (0, 4)


def test_clip_boxes_inside_and_outside() -> None:
    boxes = as_boxes([[10, 20, 40, 60], [-5, -5, 700, 500], [700, 500, 800, 600]])
    expected = [[10, 20, 40, 60], [0, 0, 640, 480], [640, 480, 640, 480]]
    np.testing.assert_array_equal(clip_boxes(boxes, 640, 480), expected)


def test_box_sizes_empty() -> None:
    assert box_sizes(NO_BOXES).shape == (0, 2)


def test_box_sizes_inverted_box_is_empty() -> None:
    np.testing.assert_array_equal(box_sizes(as_boxes([[10, 20, 40, 60], [40, 60, 10, 20]])), [[30, 40], [0, 0]])


def test_box_centers_empty() -> None:
    assert box_centers(NO_BOXES).shape == (0, 2)


def test_box_centers_known_values() -> None:
    np.testing.assert_array_equal(box_centers(ONE_BOX), [[25, 40]])


def test_iou_empty() -> None:
    assert iou(NO_BOXES, NO_BOXES).shape == (0, 0)
    assert iou(ONE_BOX, NO_BOXES).shape == (1, 0)
    assert iou(NO_BOXES, ONE_BOX).shape == (0, 1)


def test_iou_known_values() -> None:
    first = as_boxes([[0, 0, 10, 10], [0, 0, 4, 4]])
    second = as_boxes([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 8, 8]])
    expected = [[1, 50 / 150, 0, 36 / 100], [16 / 100, 0, 0, 4 / 48]]
    np.testing.assert_allclose(iou(first, second), expected, rtol=1e-6)


def test_iou_boxes_without_area_is_zero() -> None:
    points = as_boxes([[3, 3, 3, 3], [5, 5, 2, 2]])
    assert not iou(points, points).any()
    assert not iou(points, as_boxes([[0, 0, 10, 10]])).any()


def test_iou_matches_pixel_count() -> None:
    random = np.random.default_rng(7)
    corners = random.integers(0, 30, (20, 4))
    boxes = as_boxes(np.hstack([corners[:, :2], corners[:, :2] + 1 + corners[:, 2:]]))
    masks = np.zeros((20, 64, 64), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = True
    intersection = (masks[:, None] & masks[None]).sum(axis=(2, 3))
    union = (masks[:, None] | masks[None]).sum(axis=(2, 3))
    np.testing.assert_allclose(iou(boxes, boxes), intersection / union, rtol=1e-6)
