import builtins
import io

import pytest
from factories import make_faces

from fer_lib.live.session.commands import Commands
from fer_lib.settings import LiveSettings, VisionSettings, sources


@pytest.fixture
def commands() -> Commands:
    return Commands(LiveSettings.load(max_recording_rows=5), None)


def test_iter_kinds(commands):
    assert "record" in commands
    assert "frame" not in commands


def test_handle_record_on_and_off(commands):
    assert commands.handle({"type": "record", "on": True})["on"]
    commands.recording.add(0.0, make_faces(2))
    reply = commands.handle({"type": "record", "on": False})
    assert (reply["type"], reply["on"], reply["rows"], reply["full"]) == ("recording", False, 2, False)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_handle_download(commands, kind):
    commands.handle({"type": "record", "on": True})
    commands.recording.add(0.0, make_faces(1))
    commands.handle({"type": "record", "on": False})
    reply = commands.handle({"type": "download", "kind": kind})
    assert (reply["type"], reply["kind"]) == ("file", kind)
    assert reply["buffers"] == [commands.recording.read(kind).encode()]


def test_handle_delete_recording(commands):
    commands.handle({"type": "record", "on": True})
    commands.recording.add(0.0, make_faces(1))
    assert commands.handle({"type": "delete_recording"})["rows"] == 0


def test_handle_adjust(commands):
    assert commands.handle({"type": "adjust", "smoothing_s": 1}) is None
    assert commands.smoothing_s == 1.0


def test_handle_adjust_loads_no_settings(commands, monkeypatch):
    """Sliders send many of these messages per second."""
    monkeypatch.setattr(VisionSettings, "load", None)
    commands.handle({"type": "adjust", "smoothing_s": 1})
    assert commands.smoothing_s == 1.0


@pytest.mark.parametrize(
    ("message", "error"),
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
def test_handle_invalid_field(commands, message, error):
    with pytest.raises(ValueError, match=error):
        commands.handle(message)
    assert commands.smoothing_s is None
    assert not commands.recording.is_on


def test_handle_download_without_a_recording(commands):
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        commands.handle({"type": "download", "kind": "csv"})


def test_handle_adjust_reads_no_dotenv(commands, tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("no line of settings\nFER_SMOOTHING_S=many\n")
    monkeypatch.setattr(sources, "find_dotenv", lambda: tmp_path / ".env")
    with pytest.raises(ValueError, match="line 1"):
        VisionSettings.load()
    opened = []
    for module in (builtins, io):
        monkeypatch.setattr(module, "open", lambda *args, **_: opened.append(args))
    commands.handle({"type": "adjust", "smoothing_s": 2})
    with pytest.raises(ValueError, match="must be a number from 0 to 60"):
        commands.handle({"type": "adjust", "smoothing_s": 61})
    monkeypatch.undo()
    assert commands.smoothing_s == 2
    assert opened == []
