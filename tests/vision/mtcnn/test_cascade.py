"""Steps between the networks of MTCNN; oracle: facenet-pytorch."""

import numpy as np
import pytest
import torch
from facenet_pytorch.models.utils import detect_face as reference

from fer_lib.vision.mtcnn import cascade


def make_boxes(n: int = 50, seed: int = 0) -> np.ndarray:
    """Make boxes in and around a frame of 640 × 480, `(n, 4)`."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(-50, 600, (n, 2))
    return np.hstack([low, low + rng.uniform(5, 200, (n, 2))]).astype(np.float32)


def test_pyramid_scales_small_frame():
    assert cascade.pyramid_scales(59, 640, 60, 0.5) == []


def test_pyramid_scales_known_values():
    assert cascade.pyramid_scales(480, 640, 60, 0.5) == pytest.approx([0.2, 0.1, 0.05, 0.025])


@pytest.mark.parametrize("scale", [0.2, 0.1, 0.6, 12 / 65, 0.6 * 0.709])
def test_decode_proposals_matches_reference(scale):
    rng = np.random.default_rng(1)
    offsets = rng.normal(size=(4, 44, 60)).astype(np.float32)
    confidence = rng.uniform(size=(44, 60)).astype(np.float32)
    boxes, candidate_confidence, candidate_offsets = cascade.decode_proposals(offsets, confidence, scale, 0.6)
    expected, _ = reference.generateBoundingBox(torch.tensor(offsets)[None], torch.tensor(confidence)[None], scale, 0.6)
    assert np.array_equal(np.hstack([boxes, candidate_confidence[:, None], candidate_offsets]), expected.numpy())


def test_decode_proposals_empty():
    boxes, candidate_confidence, candidate_offsets = cascade.decode_proposals(
        np.zeros((4, 3, 5), np.float32), np.zeros((3, 5), np.float32), 0.2, 0.6
    )
    assert (boxes.shape, candidate_confidence.shape, candidate_offsets.shape) == ((0, 4), (0,), (0, 4))


def test_regress_boxes_matches_reference():
    boxes, offsets = make_boxes(), np.random.default_rng(2).normal(0, 0.1, (50, 4)).astype(np.float32)
    expected = reference.bbreg(torch.tensor(boxes), torch.tensor(offsets)).numpy()
    np.testing.assert_allclose(cascade.regress_boxes(boxes, offsets, 1), expected, atol=1e-4)


def test_make_square_matches_reference():
    boxes = make_boxes()
    np.testing.assert_allclose(cascade.make_square(boxes), reference.rerec(torch.tensor(boxes)).numpy(), atol=1e-4)


def test_clip_to_pixels_matches_reference():
    boxes = np.vstack([make_boxes(), [[-80, 10, -5, 60], [700, 10, 800, 60], [10, 500, 60, 520]]]).astype(np.float32)
    squares, inside = cascade.clip_to_pixels(boxes, 480, 640)
    y, bottom, x, right = reference.pad(torch.tensor(boxes), 640, 480)
    assert np.array_equal(inside, (bottom > y - 1) & (right > x - 1))
    assert not inside[-3:].any()
    assert np.array_equal(squares, np.stack([x - 1, y - 1, right, bottom], axis=1))


def test_decode_landmarks_known_values():
    relative = np.array([[0, 0.25, 0.5, 0.75, 1, 0, 0, 0.5, 1, 1]], np.float32)
    landmarks = cascade.decode_landmarks(np.array([[10, 20, 109, 219]], np.float32), relative)
    assert landmarks[0].tolist() == [[9, 19], [34, 19], [59, 119], [84, 219], [109, 219]]


@pytest.mark.parametrize(("k", "rows"), [(0, []), (2, [1, 3]), (9, [0, 1, 2, 3])])
def test_top_k_keeps_the_order(k, rows):
    assert cascade.top_k(np.array([0.1, 0.9, 0.3, 0.7], np.float32), k).tolist() == rows
