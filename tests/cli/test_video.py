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


def test_video_writes_all_that_is_asked_and_sums_up(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "in.mp4", make_walk(10))
    words = ["video", "in.mp4", "-o", "out.mp4", "--csv", "out.csv", "SMOOTHING_S=0", "--json", "out.json"]
    assert main(words) == 0
    said = capsys.readouterr()
    head, face, *written = said.out.splitlines()
    assert head == "in.mp4: 10 frames, 0.4 s, 1 face"
    assert face.split()[:4] == ["Face", "1", "0.4", "s"]
    assert written == ["written: out.mp4", "written: out.csv", "written: out.json"]
    table = read_recording("out.csv")
    assert len(table) == len(json.loads((tmp_path / "out.json").read_text())["frames"]) == 10
    assert table["raw_happy"].tolist() == table["smooth_happy"].tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.csv", "out.json", "out.mp4"]


def test_video_that_is_damaged_says_where_and_exits_with_1(tmp_path, capsys) -> None:
    source = write_video(tmp_path / "in.mkv", make_noise(100))
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert main(["video", str(source), "--csv", str(tmp_path / "out.csv")]) == 1
    said = capsys.readouterr().err
    assert "is damaged: it ends after" in said
    assert "the readable part was used" in said
    assert len(read_recording(tmp_path / "out.csv")) > 30


@pytest.mark.parametrize("content", [b"", b"hello\n" * 100])
def test_video_that_is_none_is_told_in_a_sentence(tmp_path, capsys, content) -> None:
    (tmp_path / "in.mp4").write_bytes(content)
    assert main(["video", str(tmp_path / "in.mp4"), "-o", str(tmp_path / "out.mp4")]) == 2
    assert "must be a video, but it can't be read as one" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_video_that_is_stopped_leaves_nothing(tmp_path, project_root, number, status) -> None:
    source = write_video(tmp_path / "in.mp4", make_shades(4000))
    words = ["video", str(source), "-o", str(tmp_path / "out.mp4"), "--csv", str(tmp_path / "out.csv")]
    process = subprocess.Popen(
        [sys.executable, "-m", "fer_lib", *words],
        cwd=project_root,
        stderr=subprocess.PIPE,
        # A shell lets its background jobs ignore Ctrl-C, and they their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 100
    while len(list(tmp_path.iterdir())) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status, said
    assert b"Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="such names are those of POSIX")
def test_video_escapes_names_in_its_summary(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b[2J\n\u202e.mkv"
    source = write_video(tmp_path / "in.mkv", make_noise(100))
    (tmp_path / name).write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert main(["video", name, "-o", f"out-{name}"]) == 1
    said = capsys.readouterr()
    shown = r"a\x1b[2J\n\u202e.mkv"
    assert said.out.splitlines()[0].startswith(f"{shown}: ")
    assert f"written: out-{shown}" in said.out.splitlines()
    assert f"fer-lib video: {shown} is damaged" in said.err


def test_video_of_large_frames_names_the_setting(tmp_path, capsys) -> None:
    source = write_video(tmp_path / "in.mp4", make_shades(3))
    assert main(["video", str(source), "MAX_PIXELS=3000", "-o", str(tmp_path / "out.mp4")]) == 2
    assert "at most 3,000 pixels, but they have 64 × 48" in (said := capsys.readouterr().err)
    assert "increase `MAX_PIXELS`" in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_video_without_its_packages_says_what_installs_them(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    assert main(["video", str(tmp_path / "in.mp4")]) == 2
    said = capsys.readouterr().err
    assert "needs av and tqdm" in said
    assert "`pip install -e '.[files]'`" in said


def test_summary_of_nobody(tmp_path) -> None:
    tally = Tally()
    for time_s in (0.0, 0.5):
        tally.add_labels(time_s, {})
    assert summary(tmp_path / "in.mp4", tally).endswith("in.mp4: 2 frames, 1.0 s, no face")


def test_summary_of_a_crowd_shows_those_seen_longest(tmp_path) -> None:
    tally = Tally()
    for frame in range(30):
        tally.add_labels(frame / 10, {number: "happy" for number in range(30) if number >= frame})
    tally.add_labels(3.0, {})
    lines = summary(tmp_path / "in.mp4", tally).splitlines()
    assert lines[1].split()[:2] == ["Face", "29"]
    assert lines[-2] == "  and 18 more that were seen for a shorter time"
    assert lines[-1].split() == ["no", "face", "0.1", "s"]
    assert "happy 100%" in lines[1]
