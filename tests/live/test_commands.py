import json

import pytest
from factories import make_faces

from fer_lib.live.diagnostics import collect_diagnostics
from fer_lib.live.commands import Commands
from fer_lib.settings import LiveSettings, VisionSettings


@pytest.fixture
def wishes() -> Commands:
    return Commands(LiveSettings.load(max_recording_rows=5), None)


def test_contains(wishes):
    assert "record" in wishes
    assert "frame" not in wishes
    assert None not in wishes
    assert ["record"] not in wishes


def test_take_record_on_and_off(wishes):
    assert wishes.take({"type": "record", "on": True})["on"]
    wishes.recording.add(0.0, make_faces(2))
    told = wishes.take({"type": "record", "on": False})
    assert (told["type"], told["on"], told["rows"], told["full"]) == ("recording", False, 2, False)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_take_download(wishes, kind):
    wishes.take({"type": "record", "on": True})
    wishes.recording.add(0.0, make_faces(1))
    wishes.take({"type": "record", "on": False})
    answer = wishes.take({"type": "download", "kind": kind})
    assert (answer["type"], answer["kind"]) == ("file", kind)
    assert answer["buffers"] == [wishes.recording.read(kind).encode()]


def test_take_forget(wishes):
    wishes.take({"type": "record", "on": True})
    wishes.recording.add(0.0, make_faces(1))
    assert wishes.take({"type": "forget"})["rows"] == 0


def test_take_adjust(wishes):
    assert wishes.take({"type": "adjust", "smoothing_s": 1}) is None
    assert wishes.smoothing_s == 1.0


def test_take_adjust_loads_no_settings(wishes, monkeypatch):
    """Sliders send many of these a second."""
    monkeypatch.setattr(VisionSettings, "load", None)
    wishes.take({"type": "adjust", "smoothing_s": 1})
    assert wishes.smoothing_s == 1.0


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"type": "record"}, "`on` must be true or false, but got None"),
        ({"type": "record", "on": 1}, "`on` must be true or false, but got 1"),
        ({"type": "download"}, "`kind` must be csv or json, but got None"),
        ({"type": "download", "kind": ["csv"]}, "`kind` must be csv or json"),
        ({"type": "download", "kind": "exe"}, "`kind` must be one of csv, json, but got 'exe'"),
        ({"type": "adjust"}, "`smoothing_s` must be a number of seconds, but got None"),
        ({"type": "adjust", "smoothing_s": "1"}, "`smoothing_s` must be a number of seconds, but got '1'"),
        ({"type": "adjust", "smoothing_s": float("nan")}, "`smoothing_s` must be a number"),
        ({"type": "adjust", "smoothing_s": -1}, "must be a number from 0 to 60"),
        ({"type": "adjust", "smoothing_s": 61}, "must be a number from 0 to 60"),
    ],
    ids=str,
)
def test_take_refuses_with_a_sentence(wishes, wish, sentence):
    with pytest.raises(ValueError, match=sentence):
        wishes.take(wish)
    assert wishes.smoothing_s is None
    assert not wishes.recording.is_on


def test_take_download_without_a_recording(wishes):
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        wishes.take({"type": "download", "kind": "csv"})


def test_examine_kernel_says_versions_and_weights():
    answer = collect_diagnostics(None)
    assert {"python", "numpy", "onnxruntime", "ipywebrtc"} <= answer["versions"].keys()
    assert all("SHA-256" in says for says in answer["weights"].values())
    json.dumps(answer)


def test_examine_kernel_tells_missing_weights_and_no_path(tmp_path):
    answer = collect_diagnostics(VisionSettings.load(weights_dir=tmp_path))
    assert set(answer["weights"].values()) == {"missing"}
    assert str(tmp_path) not in json.dumps(answer)
