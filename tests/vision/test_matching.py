"""Matching, merging, scaling and moving of tables of faces."""

import numpy as np
from factories import make_faces

from fer_lib.faces import Faces
from fer_lib.vision.matching import merge_faces, move_faces, scale_faces, unmatched_faces

LEFT, NEAR_LEFT, RIGHT = (100, 100, 200, 200), (110, 100, 210, 200), (400, 100, 490, 190)


def make_table(*boxes: tuple[int, ...]) -> Faces:
    return Faces(np.array(boxes, np.float32), np.full(len(boxes), 0.9), np.zeros((len(boxes), 5, 2)))


def test_merge_faces_empty() -> None:
    faces = make_faces(2)
    assert len(merge_faces(Faces.empty(), Faces.empty(), 0.3)) == 0
    np.testing.assert_array_equal(merge_faces(faces, Faces.empty(), 0.3).xyxy, faces.xyxy)
    np.testing.assert_array_equal(merge_faces(Faces.empty(), faces, 0.3).landmarks, faces.landmarks)


def test_merge_faces_adds_unmatched_faces_only() -> None:
    first, second = make_table(LEFT), make_table(NEAR_LEFT, RIGHT)
    merged = merge_faces(first, second, 0.3)
    np.testing.assert_array_equal(merged.xyxy, [LEFT, RIGHT])
    assert merged.landmarks.shape == (2, 5, 2)
    assert merge_faces(first.with_columns(landmarks=None), second, 0.3).landmarks is None


def test_unmatched_faces_by_iou() -> None:
    np.testing.assert_array_equal(unmatched_faces(make_table(LEFT), make_table(NEAR_LEFT, RIGHT), 0.3).xyxy, [RIGHT])
    assert len(unmatched_faces(make_table(LEFT), make_table(NEAR_LEFT, RIGHT), 0.95)) == 2


def test_scale_faces_boxes_and_landmarks() -> None:
    faces = make_table(LEFT).with_columns(landmarks=np.ones((1, 5, 2)))
    scaled = scale_faces(faces, np.array([2, 3], np.float32))
    np.testing.assert_array_equal(scaled.xyxy, [[200, 300, 400, 600]])
    np.testing.assert_array_equal(scaled.landmarks, np.tile([2, 3], (1, 5, 1)))
    assert scale_faces(faces, np.ones(2, np.float32)) is faces


def test_move_faces_moves_landmarks_with_the_centre() -> None:
    moved = move_faces(make_table(LEFT), np.array([[110, 120, 190, 200]], np.float32))
    np.testing.assert_array_equal(moved.xyxy, [[110, 120, 190, 200]])
    np.testing.assert_array_equal(moved.landmarks, np.tile([0, 10], (1, 5, 1)))
    unknown = make_table(LEFT).with_columns(landmarks=None)
    assert move_faces(unknown, unknown.xyxy + 5).landmarks is None
