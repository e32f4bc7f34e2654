"""Non-maximum suppression; oracles: torchvision and facenet-pytorch."""

import numpy as np
import pytest
import torch
from facenet_pytorch.models.utils.detect_face import nms_numpy
from torchvision.ops import nms as torchvision_nms

from fer_lib.vision.mtcnn.nms import nms


def make_candidates(n: int, seed: int = 0):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 200, (n, 2))
    return np.hstack([low, low + random.uniform(20, 120, (n, 2))]).astype(np.float32), random.uniform(0, 1, n).astype(
        np.float32
    )


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_nms_union_matches_torchvision(threshold):
    boxes, confidence = make_candidates(150)
    expected = torchvision_nms(torch.from_numpy(boxes), torch.from_numpy(confidence), threshold).numpy()
    assert nms(boxes, confidence, threshold).tolist() == expected.tolist()


def test_nms_smaller_matches_reference():
    boxes, confidence = make_candidates(150, seed=1)
    expected = nms_numpy(boxes, confidence, 0.7, "Min")
    assert nms(boxes, confidence, 0.7, "smaller").tolist() == expected.tolist()


def test_nms_empty_and_one_box():
    assert nms(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []
    assert nms(np.array([[0, 0, 9, 9]], np.float32), np.array([0.5], np.float32), 0.5).tolist() == [0]
