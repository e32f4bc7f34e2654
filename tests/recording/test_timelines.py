import pytest

from fer_lib.recording.timelines import FIRST_SLOT_S, MAX_SLOTS, Timelines


def fill(timelines: Timelines, *labels: str, step_s: float = 0.125, track_id: int = 1) -> None:
    for slot, label in enumerate(labels):
        timelines.add(slot * step_s, (slot + 1) * step_s, {track_id: label})


def test_runs_unknown_track_id():
    assert Timelines().runs(1) == []


def test_runs_join_equal_labels():
    timelines = Timelines()
    fill(timelines, "happy", "happy", "sad", "happy")
    assert timelines.runs(1) == [(0, 0.25, "happy"), (0.25, 0.375, "sad"), (0.375, 0.5, "happy")]


def test_runs_omit_gaps():
    timelines = Timelines()
    timelines.add(0, 0.125, {1: "happy"})
    timelines.add(1, 1.125, {1: "happy"})
    assert timelines.runs(1) == [(0, 0.125, "happy"), (1, 1.125, "happy")]
    assert timelines.end_s == 1.125


def test_runs_most_frequent_label_of_a_slot():
    timelines = Timelines()
    timelines.add(0, 0.05, {1: "sad"})
    timelines.add(0.05, 0.125, {1: "happy"})
    assert timelines.runs(1) == [(0, 0.125, "happy")]


def test_add_over_several_slots():
    timelines = Timelines()
    timelines.add(0.1, 0.9, {1: "fear", 2: "sad"})
    assert timelines.runs(1) == [(0, 0.9, "fear")]
    assert timelines.runs(2) == [(0, 0.9, "sad")]


@pytest.mark.parametrize(
    ("start_s", "end_s", "labels"),
    [(1, 1, {1: "sad"}), (2, 1, {1: "sad"}), (0, 1, {})],
    ids=["zero-duration", "negative-duration", "no-face"],
)
def test_add_empty_interval(start_s, end_s, labels):
    timelines = Timelines()
    timelines.add(start_s, end_s, labels)
    assert timelines.runs(1) == []


def test_add_merges_slots_of_a_long_recording():
    timelines = Timelines()
    for second in range(2 * 3600):
        timelines.add(second, second + 1, {1: "happy" if second % 60 < 30 else "neutral"})
    assert timelines.slot_s > FIRST_SLOT_S
    runs = timelines.runs(1)
    assert len(runs) <= MAX_SLOTS
    assert (runs[0][0], runs[-1][1]) == (0, pytest.approx(7200, abs=timelines.slot_s))
    assert timelines.end_s == 7200


def test_add_keeps_earlier_slots():
    timelines = Timelines()
    fill(timelines, *["sad"] * 80)
    timelines.add(100, 101, {2: "happy"})
    assert timelines.runs(1) == [(0, 10, "sad")]
