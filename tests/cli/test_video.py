import json
import os
import signal
import subprocess
import sys
import time

import pytest
from clips import make_noise, make_shades, make_walk, write_video

from fer_lib import optional_packages as packages
from fer_lib.cli.main import main
from fer_lib.cli.video import summary
from fer_lib.recording import Tally, read_recording


def test_video_writes_all_outputs_and_prints_the_summary(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "in.mp4", make_walk(10))
    words = ["video", "in.mp4", "-o", "out.mp4", "--csv", "out.csv", "SMOOTHING_S=0", "--json", "out.json"]
    assert main(words) == 0
    output = capsys.readouterr()
    head, face, *written = output.out.splitlines()
    assert head == "in.mp4: 10 frames, 0.4 s, 1 face"
    assert face.split()[:4] == ["Face", "1", "0.4", "s"]
    assert written == ["written: out.mp4", "written: out.csv", "written: out.json"]
    table = read_recording("out.csv")
    assert len(table) == len(json.loads((tmp_path / "out.json").read_text())["frames"]) == 10
    assert table["raw_happy"].tolist() == table["smooth_happy"].tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.csv", "out.json", "out.mp4"]


def test_video_damaged_names_the_position_and_exits_with_1(tmp_path, capsys) -> None:
    source = write_video(tmp_path / "in.mkv", make_noise(100))
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert main(["video", str(source), "--csv", str(tmp_path / "out.csv")]) == 1
    error = capsys.readouterr().err
    assert f"{source} is damaged: it ends after" in error
    assert "the readable part was used" in error
    assert len(read_recording(tmp_path / "out.csv")) > 30


@pytest.mark.parametrize("content", [b"", b"hello\n" * 100])
def test_video_that_is_no_video_is_an_error(tmp_path, capsys, content) -> None:
    (tmp_path / "in.mp4").write_bytes(content)
    assert main(["video", str(tmp_path / "in.mp4"), "-o", str(tmp_path / "out.mp4")]) == 2
    assert "must be a video, but it can't be read as one" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_video_interrupted_leaves_no_output(tmp_path, project_root, number, status) -> None:
    source = write_video(tmp_path / "in.mp4", make_shades(4000))
    words = ["video", str(source), "-o", str(tmp_path / "out.mp4"), "--csv", str(tmp_path / "out.csv")]
    process = subprocess.Popen(
        [sys.executable, "-m", "fer_lib", *words],
        cwd=project_root,
        stderr=subprocess.PIPE,
        # Background jobs of a shell, and their children, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 100
    while len(list(tmp_path.iterdir())) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status, error
    assert b"Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow such file names")
def test_video_escapes_control_characters_in_the_summary(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b[2J\n\u202e.mkv"
    source = write_video(tmp_path / "in.mkv", make_noise(100))
    (tmp_path / name).write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert main(["video", name, "-o", f"out-{name}"]) == 1
    output = capsys.readouterr()
    escaped = r"a\x1b[2J\n\u202e.mkv"
    assert output.out.splitlines()[0].startswith(f"{escaped}: ")
    assert f"written: out-{escaped}" in output.out.splitlines()
    assert f"fer-lib video: {escaped} is damaged" in output.err


def test_video_frames_too_large_names_the_setting(tmp_path, capsys) -> None:
    source = write_video(tmp_path / "in.mp4", make_shades(3))
    assert main(["video", str(source), "MAX_PIXELS=3000", "-o", str(tmp_path / "out.mp4")]) == 2
    error = capsys.readouterr().err
    assert [part for part in ("3,000 pixels", "64 × 48", "`MAX_PIXELS`") if part not in error] == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_video_without_its_packages_names_the_install_command(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    assert main(["video", str(tmp_path / "in.mp4")]) == 2
    error = capsys.readouterr().err
    assert "needs av and tqdm" in error
    assert "`pip install -e '.[files]'`" in error


def test_summary_without_faces(tmp_path) -> None:
    tally = Tally()
    for time_s in (0.0, 0.5):
        tally.add_labels(time_s, {})
    assert summary(tmp_path / "in.mp4", tally).endswith("in.mp4: 2 frames, 1.0 s, no face")


def test_summary_lists_the_faces_seen_longest(tmp_path) -> None:
    tally = Tally()
    for frame in range(30):
        tally.add_labels(frame / 10, {number: "happy" for number in range(30) if number >= frame})
    tally.add_labels(3.0, {})
    lines = summary(tmp_path / "in.mp4", tally).splitlines()
    assert lines[1].split()[:2] == ["Face", "29"]
    assert lines[-2] == "  and 18 more that were seen for a shorter time"
    assert lines[-1].split() == ["no", "face", "0.1", "s"]
    assert "happy 100%" in lines[1]
