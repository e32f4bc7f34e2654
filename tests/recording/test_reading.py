import json

import numpy as np
import pytest
from factories import make_faces

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.recording import COLUMNS, open_recording, read_recording, summarize

HAPPY, SAD = np.eye(7, dtype=np.float32)[[3, 5]]


def one_face(track_id: int, probabilities: np.ndarray) -> Faces:
    return make_faces(1, track_id=np.array([track_id]), probabilities=probabilities[None])


@pytest.fixture(params=["out.csv", "out.json"])
def recording(request, tmp_path):
    with open_recording(tmp_path / request.param) as recorder:
        recorder.write(0.0, 0, Faces.empty())
        recorder.write(0.1, 1, one_face(1, HAPPY))
        recorder.write(0.25, 2, one_face(1, SAD))
        recorder.write(0.35, 3, Faces.empty())
    return tmp_path / request.param


def test_read_recording_round_trip(recording) -> None:
    table = read_recording(recording)
    assert tuple(table.columns) == COLUMNS
    assert table["time_s"].tolist() == [0.0, 0.1, 0.25, 0.35]
    assert table["frame"].tolist() == [0, 1, 2, 3]
    assert table["track_id"].isna().tolist() == [True, False, False, True]
    seen = table.dropna(subset="track_id")
    assert seen["label"].tolist() == ["happy", "sad"]
    assert seen["track_id"].tolist() == [1, 1]
    np.testing.assert_allclose(seen[["x1", "y1", "x2", "y2"]], [make_faces(1).xyxy[0]] * 2, atol=0.06)
    np.testing.assert_array_equal(seen[[f"smooth_{label}" for label in EMOTIONS]], [HAPPY, SAD])


def test_read_recording_csv_equals_json(tmp_path) -> None:
    for name in ("out.csv", "out.json"):
        with open_recording(tmp_path / name) as recorder:
            for frame in range(3):
                recorder.write(frame / 30, frame, make_faces(frame, seed=frame))
    assert read_recording(tmp_path / "out.csv").equals(read_recording(tmp_path / "out.json"))


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
def test_read_recording_empty(tmp_path, name) -> None:
    with open_recording(tmp_path / name):
        pass
    table = read_recording(tmp_path / name)
    assert (len(table), tuple(table.columns)) == (0, COLUMNS)
    assert len(summarize(table)) == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "time,who\n1,2\n"),
        ("a.csv", ""),
        ("a.json", "[]"),
        ("a.json", "{"),
        ("a.json", '{"format": "fer recording"}'),
        ("a.json", '{"format": "fer recording", "frames": [{"time_s": 1}]}'),
        ("a.json", '{"format": "fer recording", "frames": [1]}'),
    ],
)
def test_read_recording_invalid_file(tmp_path, name, text) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match="must be a recording"):
        read_recording(tmp_path / name)


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("label", '"=cmd|A1"', "every `label` must be one of"),
        ("label", "happier", "every `label` must be one of"),
        ("label", "", "every `label` must be one of"),
        ("time_s", "inf", "every `time_s` must be"),
        ("time_s", "", "every `time_s` must be"),
        ("time_s", "1e300", "every `time_s` must be"),
        ("track_id", "9" * 40, "must be a recording"),
        ("frame", "many", "must be a recording"),
    ],
)
def test_read_recording_invalid_value(tmp_path, column, value, error) -> None:
    with open_recording(tmp_path / "a.csv") as recorder:
        recorder.write(0.1, 1, one_face(1, HAPPY))
    head, row = (tmp_path / "a.csv").read_text().splitlines()
    cells = row.split(",")
    cells[COLUMNS.index(column)] = value
    (tmp_path / "a.csv").write_text(f"{head}\n{','.join(cells)}\n")
    with pytest.raises(ValueError, match=error):
        read_recording(tmp_path / "a.csv")


def test_read_recording_deeply_nested(tmp_path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_recording(tmp_path / "a.json")


def test_read_recording_missing_file(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="must exist"):
        read_recording(tmp_path / "none.csv")


def test_read_recording_without_pandas(tmp_path, hide_module) -> None:
    hide_module("pandas")
    with pytest.raises(ModuleNotFoundError, match="`pip install pandas`"):
        read_recording(tmp_path / "out.csv")


def test_summarize_weights_by_time(recording) -> None:
    table = summarize(read_recording(recording))
    assert table.index.tolist() == [1]
    row = table.loc[1]
    assert row["seen_s"] == pytest.approx(0.25)
    assert row["happy"] == pytest.approx(0.6)
    assert row["sad"] == pytest.approx(0.4)
    assert row[list(EMOTIONS)].sum() == pytest.approx(1)


def test_read_recording_accepts_csv_of_version_1(tmp_path) -> None:
    header = "time_s,frame,track,x1,y1,x2,y2,confidence,label,"
    header += ",".join(f"{kind}_{label}" for kind in ("raw", "smooth") for label in EMOTIONS)
    cells = ["0.5", "3", "7", "1", "2", "30", "40", "0.9", "happy", *["0.1"] * 7, *["0.2"] * 7]
    (tmp_path / "old.csv").write_text(f"{header}\n{','.join(cells)}\n0.6,4{',' * (len(cells) - 2)}\n")
    table = read_recording(tmp_path / "old.csv")
    assert tuple(table.columns) == COLUMNS
    assert table["track_id"].dropna().tolist() == [7]
    assert summarize(table).index.tolist() == [7]


def test_read_recording_accepts_json_of_version_1(tmp_path) -> None:
    face = {
        "track": 7,
        "box": [1, 2, 30, 40],
        "confidence": 0.9,
        "label": "happy",
        "raw": [0.1] * 7,
        "smooth": [0.2] * 7,
    }
    frames = [{"time_s": 0.5, "frame": 3, "faces": [face]}, {"time_s": 0.6, "frame": 4, "faces": []}]
    old = {"format": "fer recording", "version": 1, "labels": list(EMOTIONS), "frames": frames}
    (tmp_path / "old.json").write_text(json.dumps(old))
    table = read_recording(tmp_path / "old.json")
    assert table["track_id"].dropna().tolist() == [7]
    assert (table["x2"][0], table["raw_happy"][0], table["smooth_happy"][0]) == (30, 0.1, 0.2)
