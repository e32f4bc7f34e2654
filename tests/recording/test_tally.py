import pytest
from factories import make_faces

from fer_lib.faces import Faces
from fer_lib.recording import Tally


def test_tally_empty() -> None:
    assert Tally().people() == []
    assert Tally().everyone()["duration_s"] == 0


def test_tally_of_one_frame_counts_no_time() -> None:
    tally = Tally()
    tally.add_labels(3.0, {1: "happy"})
    (row,) = tally.people()
    assert (row["track"], row["seen_s"], row["happy"]) == (1, 0, 0)


def test_tally_a_frame_speaks_until_the_next_and_the_last_as_long_as_the_one_before() -> None:
    tally = Tally()
    for time_s, labels in ((0.0, {1: "sad"}), (0.1, {1: "happy", 2: "fear"}), (0.4, {2: "fear"})):
        tally.add_labels(time_s, labels)
    first, second = tally.people()
    assert (first["seen_s"], first["sad"], first["happy"]) == (0.4, 0.25, 0.75)
    assert (second["seen_s"], second["fear"]) == (0.6, 1)
    assert tally.everyone()["duration_s"] == pytest.approx(0.7)
    assert tally.everyone()["fear"] == 0.6


def test_tally_counts_the_time_without_anybody() -> None:
    tally = Tally()
    for time_s in (0.0, 0.5, 1.0):
        tally.add(time_s, Faces.empty())
    assert tally.everyone()["nobody_s"] == 1.5


def test_tally_a_pause_counts_for_a_second_and_a_step_back_for_nothing() -> None:
    tally = Tally()
    for time_s in (0.0, 60.0, 59.0, 59.5):
        tally.add_labels(time_s, {1: "neutral"})
    assert tally.people()[0]["seen_s"] == 2.0


def test_tally_asking_changes_nothing() -> None:
    tally = Tally()
    for time_s in (0.0, 1.0):
        tally.add_labels(time_s, {1: "neutral"})
    assert tally.people() == tally.people()


def test_add_takes_the_pipelines_faces() -> None:
    tally = Tally()
    faces = make_faces(3)
    tally.add(0.0, faces)
    tally.add(0.5, faces)
    assert [row["track"] for row in tally.people()] == [0, 1, 2]
    assert all(row[label] == 1 for row, label in zip(tally.people(), faces.labels, strict=True))


def test_timelines_end_where_the_last_frame_stops_speaking() -> None:
    tally = Tally()
    for time_s, labels in ((0.0, {1: "sad"}), (0.5, {1: "happy", 2: "fear"}), (1.0, {2: "fear"})):
        tally.add_labels(time_s, labels)
    assert tally.timelines() == (1.5, {1: [(0, 0.5, "sad"), (0.5, 1, "happy")], 2: [(0.5, 1.5, "fear")]})
    assert tally.timelines() == tally.timelines()


def test_timelines_of_nobody() -> None:
    tally = Tally()
    tally.add_labels(0.0, {})
    tally.add_labels(1.0, {})
    assert tally.timelines() == (2.0, {})


def test_timelines_keep_a_pause() -> None:
    tally = Tally()
    for time_s in (0.0, 0.5, 60.0, 60.5):
        tally.add_labels(time_s, {1: "sad"})
    span_s, by_number = tally.timelines()
    assert span_s == 61.0
    assert [round(end_s - start_s, 1) for start_s, end_s, _ in by_number[1]] == [1.5, 1.0]
    assert tally.everyone()["duration_s"] == 2.5
