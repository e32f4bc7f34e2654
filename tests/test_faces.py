import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS, label_index

BOXES = [[0, 0, 10, 10], [20, 20, 60, 60], [5, 5, 20, 20]]


def three_faces() -> Faces:
    probabilities = np.full((3, 7), 0.05)
    probabilities[[0, 1, 2], [3, 0, 6]] = 0.7
    return Faces(
        xyxy=np.array(BOXES, np.float32),
        confidence=np.array([0.9, 0.8, 1.0], np.float32),
        landmarks=np.arange(30, dtype=np.float32).reshape(3, 5, 2),
        probabilities=probabilities.astype(np.float32),
        track_id=np.array([4, 2, 9]),
    )


def test_empty_has_every_column_and_no_rows() -> None:
    faces = Faces.empty()
    assert len(faces) == 0
    assert faces.labels == []
    assert {name: len(column) for name, column in vars(faces).items()} == dict.fromkeys(vars(faces), 0)


def test_empty_rows_of_empty() -> None:
    assert len(Faces.empty()[np.zeros(0, bool)]) == 0
    assert len(Faces.empty()[:]) == 0
    assert len(Faces.empty()[[]]) == 0


def test_faces_unknown_columns_stay_unknown() -> None:
    faces = Faces(xyxy=np.array(BOXES), confidence=np.ones(3))
    assert faces.landmarks is faces.probabilities is faces.track_id is None
    assert faces[[1]].probabilities is None
    assert faces.labels == []


def test_faces_columns_get_their_kinds() -> None:
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
def test_faces_columns_must_agree_in_length(column: str, value: object) -> None:
    with pytest.raises(ValueError, match="must have the shape"):
        three_faces().with_columns(**{column: value})


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan, np.inf])
def test_faces_confidence_must_be_possible(wrong: float) -> None:
    with pytest.raises(ValueError, match="`confidence` must lie in"):
        three_faces().with_columns(confidence=np.array([0.5, wrong, 0.5]))


@pytest.mark.parametrize("wrong", [[1.5, -0.5, 0, 0, 0, 0, 0], [np.nan] * 7])
def test_faces_probabilities_must_be_possible(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="`probabilities` must lie in"):
        three_faces().with_columns(probabilities=np.tile(wrong, (3, 1)))


@pytest.mark.parametrize("column", ["probabilities", "raw_probabilities"])
def test_faces_probabilities_must_sum_to_one(column: str) -> None:
    with pytest.raises(ValueError, match=f"`{column}` must sum to 1"):
        three_faces().with_columns(**{column: np.full((3, 7), 0.1)})


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_faces_landmarks_must_be_finite(wrong: float) -> None:
    with pytest.raises(ValueError, match="`landmarks` must hold finite numbers"):
        three_faces().with_columns(landmarks=np.full((3, 5, 2), wrong))


def test_faces_can_not_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        three_faces().confidence = np.ones(3)  # type: ignore[misc]


def test_getitem_takes_masks_slices_lists_and_places() -> None:
    faces = three_faces()
    for rows in (np.array([False, True, True]), slice(1, None), [1, 2], np.array([1, 2])):
        chosen = faces[rows]
        assert len(chosen) == 2
        np.testing.assert_array_equal(chosen.track_id, [2, 9])
        np.testing.assert_array_equal(chosen.landmarks, faces.landmarks[1:])  # type: ignore[index]
    assert len(faces[-1]) == 1
    assert faces[-1].labels == ["surprise"]


def test_getitem_wrong_rows() -> None:
    with pytest.raises(IndexError):
        three_faces()[3]
    with pytest.raises(IndexError):
        three_faces()[np.ones(2, bool)]


def test_with_columns_leaves_the_first_as_it_was() -> None:
    faces = three_faces()
    other = faces.with_columns(track_id=np.array([1, 2, 3]))
    np.testing.assert_array_equal(faces.track_id, [4, 2, 9])
    np.testing.assert_array_equal(other.track_id, [1, 2, 3])
    assert other.xyxy is faces.xyxy


def test_labels_name_the_most_probable() -> None:
    assert three_faces().labels == ["happy", "angry", "surprise"]
    certain = Faces(np.array([[0, 0, 1, 1]]), np.ones(1), probabilities=np.eye(len(EMOTIONS))[[label_index("sad")]])
    assert certain.labels == ["sad"]


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


def test_to_records_leaves_out_unknown_columns():
    assert Faces([[0, 0, 9, 9]], [0.5]).to_records() == [{"xyxy": [0, 0, 9, 9], "confidence": 0.5}]


def test_to_records_is_plain_and_short():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), 1)
    faces = Faces([[100.123, 50.456, 200.789, 180.012]], [0.98765], probabilities=probabilities, track_id=[12])
    assert len(json.dumps(faces.to_records())) < 250
