import io
import json

import numpy as np
import pytest
from factories import make_faces

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.live.session.recording import MAX_FACES, Recording
from fer_lib.recording import COLUMNS, read_recording


@pytest.fixture
def recording() -> Recording:
    recording = Recording(max_rows=10)
    recording.start()
    return recording


def test_recording_never_started(tmp_path):
    recording = Recording(max_rows=10)
    assert not recording.add(0.0, make_faces(1))
    assert not recording.stop()
    assert recording.describe()["frames"] == 0
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        recording.read("csv")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_read_matches_read_recording(recording, tmp_path, kind):
    faces = make_faces(2, track_id=[3, 8])
    recording.add(100.0, faces)
    recording.add(100.04, Faces.empty())
    recording.add(100.125, faces[1])
    recording.stop()
    path = tmp_path / f"recording.{kind}"
    path.write_text(recording.read(kind))
    table = read_recording(path)
    assert list(table.columns) == list(COLUMNS)
    assert table["time_s"].tolist() == pytest.approx([0, 0, 0.04, 0.125])
    assert table["frame"].tolist() == [0, 0, 1, 2]
    assert table["track_id"].dropna().tolist() == [3, 8, 8]
    smooth = table[[f"smooth_{label}" for label in EMOTIONS]].to_numpy()
    np.testing.assert_allclose(smooth[:2], faces.probabilities, atol=1e-4)


def test_read_while_recording(recording):
    recording.add(0.0, make_faces(1))
    with pytest.raises(RuntimeError, match="must be stopped"):
        recording.read("csv")


def test_read_unknown_kind(recording):
    with pytest.raises(ValueError, match="must be one of csv, json, but got 'xml'"):
        recording.read("xml")


def test_add_stops_at_max_rows(recording):
    was_filled = [recording.add(number / 30, make_faces(3)) for number in range(6)]
    assert was_filled == [False, False, False, True, False, False]
    state = recording.describe()
    assert (state["on"], state["full"], state["rows"], state["frames"]) == (False, True, 9, 3)
    assert len(recording.read("csv").splitlines()) == 1 + 9
    assert len(json.loads(recording.read("json"))["frames"]) == 3


def test_describe_shares(recording):
    happy, sad = np.eye(7, dtype=np.float32)[[3, 5]]
    for number, row in enumerate([happy, happy, happy, sad]):
        recording.add(number / 10, make_faces(1, probabilities=row[None], track_id=[1]))
    recording.stop()
    state = recording.describe()
    assert state["total"]["duration_s"] == pytest.approx(0.4)
    (face,) = state["faces"]
    assert (face["track_id"], face["happy"], face["sad"]) == (1, 0.75, 0.25)
    assert state["span_s"] == 0.4
    assert face["timeline"] == [(0, 0.25, "happy"), (0.25, 0.4, "sad")]
    assert state["more"] == 0


def test_describe_many_faces():
    recording = Recording(max_rows=100)
    recording.start()
    for number in range(MAX_FACES + 3):
        recording.add(number / 10, make_faces(1, track_id=[number]))
    state = recording.describe()
    assert (len(state["faces"]), state["more"]) == (MAX_FACES, 3)
    json.dumps(state)


def test_start_replaces_the_recording(recording):
    recording.add(0.0, make_faces(2))
    recording.start()
    recording.add(9.0, make_faces(1))
    recording.stop()
    assert len(recording.read("csv").splitlines()) == 2
    assert recording.read("csv").splitlines()[1].startswith("0.0,0,")


def test_clear(recording):
    recording.add(0.0, make_faces(1))
    recording.clear()
    assert not recording.is_on
    assert recording.describe()["rows"] == 0
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        recording.read("json")


def test_read_size_per_row():
    recording = Recording(max_rows=1000)
    recording.start()
    for number in range(1000):
        recording.add(number / 30, make_faces(1, seed=number))
    recording.stop()
    # An hour of one face is 100,000 rows: some 20 MB of CSV and twice that of JSON.
    assert len(recording.read("csv")) < 250_000
    assert len(recording.read("json")) < 400_000
    assert io.StringIO(recording.read("csv")).readline().startswith("time_s,frame,track_id")
