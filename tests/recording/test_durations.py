import pytest
from factories import make_faces

from fer_lib.faces import Faces
from fer_lib.recording import Tally


def test_tally_empty() -> None:
    assert Tally().by_face() == []
    assert Tally().total()["duration_s"] == 0


def test_by_face_one_frame() -> None:
    tally = Tally()
    tally.add_labels(3.0, {1: "happy"})
    (row,) = tally.by_face()
    assert (row["track_id"], row["seen_s"], row["happy"]) == (1, 0, 0)


def test_add_labels_frame_duration() -> None:
    tally = Tally()
    for time_s, labels in ((0.0, {1: "sad"}), (0.1, {1: "happy", 2: "fear"}), (0.4, {2: "fear"})):
        tally.add_labels(time_s, labels)
    first, second = tally.by_face()
    assert (first["seen_s"], first["sad"], first["happy"]) == (0.4, 0.25, 0.75)
    assert (second["seen_s"], second["fear"]) == (0.6, 1)
    assert tally.total()["duration_s"] == pytest.approx(0.7)
    assert tally.total()["fear"] == 0.6


def test_total_time_without_faces() -> None:
    tally = Tally()
    for time_s in (0.0, 0.5, 1.0):
        tally.add(time_s, Faces.empty())
    assert tally.total()["no_face_s"] == 1.5


def test_add_labels_limits_pauses_and_ignores_negative_steps() -> None:
    tally = Tally()
    for time_s in (0.0, 60.0, 59.0, 59.5):
        tally.add_labels(time_s, {1: "neutral"})
    assert tally.by_face()[0]["seen_s"] == 2.0


def test_by_face_is_repeatable() -> None:
    tally = Tally()
    for time_s in (0.0, 1.0):
        tally.add_labels(time_s, {1: "neutral"})
    assert tally.by_face() == tally.by_face()


def test_add_faces() -> None:
    tally = Tally()
    faces = make_faces(3)
    tally.add(0.0, faces)
    tally.add(0.5, faces)
    assert [row["track_id"] for row in tally.by_face()] == [0, 1, 2]
    assert all(row[label] == 1 for row, label in zip(tally.by_face(), faces.labels, strict=True))


def test_timelines_include_the_last_frame() -> None:
    tally = Tally()
    for time_s, labels in ((0.0, {1: "sad"}), (0.5, {1: "happy", 2: "fear"}), (1.0, {2: "fear"})):
        tally.add_labels(time_s, labels)
    assert tally.timelines() == (1.5, {1: [(0, 0.5, "sad"), (0.5, 1, "happy")], 2: [(0.5, 1.5, "fear")]})
    assert tally.timelines() == tally.timelines()


def test_timelines_without_faces() -> None:
    tally = Tally()
    tally.add_labels(0.0, {})
    tally.add_labels(1.0, {})
    assert tally.timelines() == (2.0, {})


def test_timelines_include_pauses() -> None:
    tally = Tally()
    for time_s in (0.0, 0.5, 60.0, 60.5):
        tally.add_labels(time_s, {1: "sad"})
    span_s, by_track_id = tally.timelines()
    assert span_s == 61.0
    assert [round(end_s - start_s, 1) for start_s, end_s, _ in by_track_id[1]] == [1.5, 1.0]
    assert tally.total()["duration_s"] == 2.5
