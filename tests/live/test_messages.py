import json

import numpy as np
import pytest

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.live.messages import describe_faces, is_number


def test_describe_faces_empty():
    assert describe_faces(Faces.empty()) == []


def test_describe_faces_all_columns():
    happy = np.array([0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05])
    faces = Faces([[10, 20, 110, 140]] * 2, [0.99, 0.98], probabilities=[happy, happy], track_id=[1, 2])
    first, second = describe_faces(faces)
    assert first == {
        "xyxy": [10.0, 20.0, 110.0, 140.0],
        "confidence": 0.99,
        "track_id": 1,
        "label": "happy",
        "probability": 0.7,
        "probabilities": [0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05],
    }
    assert second["track_id"] == 2
    assert len(first["probabilities"]) == len(EMOTIONS)


def test_describe_faces_before_recognition():
    assert describe_faces(Faces(xyxy=[[0, 0, 9, 9]], confidence=[0.5])) == [
        {"xyxy": [0.0, 0.0, 9.0, 9.0], "confidence": 0.5}
    ]


def test_describe_faces_is_plain_and_short():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), 1)
    faces = Faces([[100.123, 50.456, 200.789, 180.012]], [0.98765], probabilities=probabilities, track_id=[12])
    assert len(json.dumps(describe_faces(faces))) < 250


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, True),
        (0.5, True),
        (-3, True),
        (True, False),
        ("1", False),
        (None, False),
        (float("nan"), False),
        (1e400, False),
        (10**400, False),
        (-(10**400), False),
        (10**300, True),
    ],
)
def test_is_number(value, expected):
    assert is_number(value) is expected
