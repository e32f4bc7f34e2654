"""Suppression against torchvision's and the reference's own."""

import numpy as np
import pytest
import torch
from facenet_pytorch.models.utils.detect_face import nms_numpy
from torchvision.ops import nms

from fer_lib.vision.mtcnn.nms import suppress


def make_candidates(n: int, seed: int = 0):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 200, (n, 2))
    return np.hstack([low, low + random.uniform(20, 120, (n, 2))]).astype(np.float32), random.uniform(0, 1, n).astype(
        np.float32
    )


@pytest.mark.parametrize("limit", [0.3, 0.5, 0.7])
def test_suppress_union_equals_torchvision(limit):
    boxes, confidence = make_candidates(150)
    theirs = nms(torch.from_numpy(boxes), torch.from_numpy(confidence), limit).numpy()
    assert suppress(boxes, confidence, limit).tolist() == theirs.tolist()


def test_suppress_smaller_equals_the_reference():
    boxes, confidence = make_candidates(150, seed=1)
    theirs = nms_numpy(boxes, confidence, 0.7, "Min")
    assert suppress(boxes, confidence, 0.7, "smaller").tolist() == theirs.tolist()


def test_suppress_nothing_and_one():
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []
    assert suppress(np.array([[0, 0, 9, 9]], np.float32), np.array([0.5], np.float32), 0.5).tolist() == [0]
