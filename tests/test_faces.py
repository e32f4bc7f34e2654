import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS, label_index

BOXES = [[0, 0, 10, 10], [20, 20, 60, 60], [5, 5, 20, 20]]


def make_three_faces() -> Faces:
    probabilities = np.full((3, 7), 0.05)
    probabilities[[0, 1, 2], [3, 0, 6]] = 0.7
    return Faces(
        xyxy=np.array(BOXES, np.float32),
        confidence=np.array([0.9, 0.8, 1.0], np.float32),
        landmarks=np.arange(30, dtype=np.float32).reshape(3, 5, 2),
        probabilities=probabilities.astype(np.float32),
        track_id=np.array([4, 2, 9]),
    )


def test_empty_all_columns_without_rows() -> None:
    faces = Faces.empty()
    assert len(faces) == 0
    assert faces.labels == []
    assert {name: len(column) for name, column in vars(faces).items()} == dict.fromkeys(vars(faces), 0)


def test_empty_rows_of_empty() -> None:
    assert len(Faces.empty()[np.zeros(0, bool)]) == 0
    assert len(Faces.empty()[:]) == 0
    assert len(Faces.empty()[[]]) == 0


def test_faces_unknown_columns_are_none() -> None:
    faces = Faces(xyxy=np.array(BOXES), confidence=np.ones(3))
    assert faces.landmarks is faces.probabilities is faces.track_id is None
    assert faces[[1]].probabilities is None
    assert faces.labels == []


def test_faces_converts_dtypes() -> None:
    faces = Faces(xyxy=np.array(BOXES, int), confidence=np.ones(3, int), track_id=np.arange(3, dtype=np.int8))
    assert faces.xyxy.dtype == faces.confidence.dtype == np.float32
    assert faces.track_id is not None
    assert faces.track_id.dtype == np.int64


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("xyxy", np.zeros((2, 4))),
        ("confidence", np.ones(2)),
        ("confidence", np.ones((3, 1))),
        ("confidence", None),
        ("landmarks", np.zeros((3, 10))),
        ("probabilities", np.full((3, 6), 1 / 6)),
        ("track_id", np.arange(4)),
    ],
)
def test_faces_invalid_shapes(column: str, value: object) -> None:
    with pytest.raises(ValueError, match="must have the shape"):
        make_three_faces().with_columns(**{column: value})


@pytest.mark.parametrize("invalid", [-0.1, 1.1, np.nan, np.inf])
def test_faces_confidence_out_of_range(invalid: float) -> None:
    with pytest.raises(ValueError, match="`confidence` must lie in"):
        make_three_faces().with_columns(confidence=np.array([0.5, invalid, 0.5]))


@pytest.mark.parametrize("invalid", [[1.5, -0.5, 0, 0, 0, 0, 0], [np.nan] * 7])
def test_faces_probabilities_out_of_range(invalid: list[float]) -> None:
    with pytest.raises(ValueError, match="`probabilities` must lie in"):
        make_three_faces().with_columns(probabilities=np.tile(invalid, (3, 1)))


@pytest.mark.parametrize("column", ["probabilities", "raw_probabilities"])
def test_faces_probabilities_must_sum_to_one(column: str) -> None:
    with pytest.raises(ValueError, match=f"`{column}` must sum to 1"):
        make_three_faces().with_columns(**{column: np.full((3, 7), 0.1)})


@pytest.mark.parametrize("invalid", [np.nan, np.inf])
def test_faces_landmarks_not_finite(invalid: float) -> None:
    with pytest.raises(ValueError, match="`landmarks` must contain finite numbers"):
        make_three_faces().with_columns(landmarks=np.full((3, 5, 2), invalid))


def test_faces_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        make_three_faces().confidence = np.ones(3)  # type: ignore[misc]


def test_getitem_mask_slice_list_index() -> None:
    faces = make_three_faces()
    for rows in (np.array([False, True, True]), slice(1, None), [1, 2], np.array([1, 2])):
        selected = faces[rows]
        assert len(selected) == 2
        np.testing.assert_array_equal(selected.track_id, [2, 9])
        np.testing.assert_array_equal(selected.landmarks, faces.landmarks[1:])  # type: ignore[index]
    assert len(faces[-1]) == 1
    assert faces[-1].labels == ["surprise"]


def test_getitem_out_of_range() -> None:
    with pytest.raises(IndexError):
        make_three_faces()[3]
    with pytest.raises(IndexError):
        make_three_faces()[np.ones(2, bool)]


def test_with_columns_does_not_modify_the_original() -> None:
    faces = make_three_faces()
    other = faces.with_columns(track_id=np.array([1, 2, 3]))
    np.testing.assert_array_equal(faces.track_id, [4, 2, 9])
    np.testing.assert_array_equal(other.track_id, [1, 2, 3])
    assert other.xyxy is faces.xyxy


def test_labels_are_top_1() -> None:
    assert make_three_faces().labels == ["happy", "angry", "surprise"]
    one_hot = Faces(np.array([[0, 0, 1, 1]]), np.ones(1), probabilities=np.eye(len(EMOTIONS))[[label_index("sad")]])
    assert one_hot.labels == ["sad"]


def test_to_records_empty():
    assert Faces.empty().to_records() == []


def test_to_records_all_columns():
    happy = np.array([0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05])
    columns = {"probabilities": [happy, happy], "raw_probabilities": [happy, happy], "track_id": [1, 2]}
    faces = Faces([[10, 20, 110.126, 140]] * 2, [0.98761, 0.5], landmarks=np.ones((2, 5, 2)), **columns)
    first, second = faces.to_records()
    assert first == {
        "track_id": 1,
        "xyxy": [10, 20, 110.13, 140],
        "confidence": 0.9876,
        "landmarks": [[1, 1]] * 5,
        "label": "happy",
        "probability": 0.7,
        "probabilities": [0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05],
        "raw_probabilities": [0.05, 0.05, 0.05, 0.7, 0.05, 0.05, 0.05],
    }
    assert (second["track_id"], second["confidence"]) == (2, 0.5)


def test_to_records_omits_unknown_columns():
    assert Faces([[0, 0, 9, 9]], [0.5]).to_records() == [{"xyxy": [0, 0, 9, 9], "confidence": 0.5}]


def test_to_records_json_size():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), 1)
    faces = Faces([[100.123, 50.456, 200.789, 180.012]], [0.98765], probabilities=probabilities, track_id=[12])
    assert len(json.dumps(faces.to_records())) < 250
