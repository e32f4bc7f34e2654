import csv
import io
import json
import math

import numpy as np
import pytest
from factories import make_faces

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.recording import COLUMNS, CsvRecorder, JsonRecorder, open_recording

RAW = np.eye(7, dtype=np.float32)[[3, 5]]


def two_faces() -> Faces:
    return make_faces(2, raw_probabilities=RAW, track_id=np.array([4, 9]))


def test_csv_recorder_one_row_per_face() -> None:
    stream = io.StringIO()
    recorder = CsvRecorder(stream)
    recorder.write(0.0, 0, Faces.empty())
    recorder.write(0.04, 1, two_faces())
    recorder.finish()
    head, no_face, first, second = csv.reader(stream.getvalue().splitlines())
    assert tuple(head) == COLUMNS
    assert no_face == ["0.0", "0"] + [""] * (len(COLUMNS) - 2)
    assert [row[:3] for row in (first, second)] == [["0.04", "1", "4"], ["0.04", "1", "9"]]
    assert [float(value) for value in first[9:16]] == RAW[0].tolist()
    np.testing.assert_allclose([float(value) for value in first[16:]], two_faces().probabilities[0], atol=1e-4)


def test_json_recorder_one_line_per_frame() -> None:
    stream = io.StringIO()
    recorder = JsonRecorder(stream)
    recorder.write(0.0, 0, Faces.empty())
    recorder.write(0.04, 1, two_faces())
    recorder.finish()
    content = json.loads(stream.getvalue())
    assert content["labels"] == list(EMOTIONS)
    assert content["frames"][0] == {"time_s": 0.0, "frame": 0, "faces": []}
    first, _ = content["frames"][1]["faces"]
    assert set(first) == {
        "track_id",
        "xyxy",
        "confidence",
        "label",
        "probability",
        "probabilities",
        "raw_probabilities",
    }
    assert (len(first["xyxy"]), len(first["raw_probabilities"]), len(first["probabilities"])) == (4, 7, 7)
    assert first["label"] == EMOTIONS[int(np.argmax(first["probabilities"]))]


def test_json_recorder_empty() -> None:
    stream = io.StringIO()
    JsonRecorder(stream).finish()
    assert json.loads(stream.getvalue())["frames"] == []


def test_write_without_raw_probabilities() -> None:
    stream = io.StringIO()
    recorder = JsonRecorder(stream)
    recorder.write(0.0, 0, make_faces(1))
    recorder.finish()
    (one,) = json.loads(stream.getvalue())["frames"][0]["faces"]
    assert one["raw_probabilities"] == one["probabilities"]


def test_write_without_track_id() -> None:
    with pytest.raises(ValueError, match=r"`pipeline\.process` fills both"):
        CsvRecorder(io.StringIO()).write(0.0, 0, make_faces(1, track_id=None))


@pytest.mark.parametrize("recorder", [CsvRecorder, JsonRecorder])
def test_write_invalid_time(recorder) -> None:
    with pytest.raises(ValueError, match="finite number of seconds"):
        recorder(io.StringIO()).write(float("nan"), 0, Faces.empty())


@pytest.mark.parametrize("name", ["out.csv", "out.JSON"])
def test_open_recording_interrupted_leaves_no_file(tmp_path, name) -> None:
    def record() -> None:
        with open_recording(tmp_path / name) as recorder:
            recorder.write(0.0, 0, two_faces())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    assert list(tmp_path.iterdir()) == []


def test_open_recording_unknown_suffix(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"must end in .csv or .json"), open_recording(tmp_path / "out.xlsx"):
        pass


def test_csv_recorder_no_formula_injection() -> None:
    stream = io.StringIO()
    recorder = CsvRecorder(stream)
    recorder.write(-1.0, 0, Faces.empty())
    recorder.write(0.04, 1, two_faces())
    _, *rows = csv.reader(stream.getvalue().splitlines())
    texts = {cell for row in rows for cell in row if cell and not is_number(cell)}
    assert texts <= set(EMOTIONS)


def is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
