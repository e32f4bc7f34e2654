import json
import subprocess
import sys

import pytest

from benchmarks.live import _overlap, format_table
from harness.synthetic_camera import face_box

MEASURED = {
    "results": 300,
    "results_per_s": 29.9,
    "frame_to_overlay_ms": {"median": 21.04, "p95": 35.06},
    "round_trip_ms": {"median": 5.0, "p95": 9.0},
    "overlap": 0.84,
    "page_ready_s": 1.5,
    "first_page_ready_s": 2.5,
}


def test_format_table_contains_every_figure():
    text = format_table(MEASURED)
    for figure in ("29.9", "21.0 ms", "35.1 ms", "5.0 ms", "9.0 ms", "0.84", "1.5 s", "2.5 s", "300"):
        assert figure in text


def test_overlap_uses_the_frame_on_the_screen():
    face = {"xyxy": face_box(45).tolist()}
    assert _overlap([{"frame": 45, "faces": [face]}] * 3) == pytest.approx(1)
    assert _overlap([{"frame": 135, "faces": [face]}] * 3) < 0.2
    assert _overlap([{"frame": 45, "faces": []}] * 3) == 0
    assert _overlap([{"frame": -1, "faces": [face]}] * 3) == 0


@pytest.mark.timeout(900)
def test_main_prints_json_on_the_last_line(chromium, project_root):
    command = [sys.executable, "-m", "benchmarks.live", "--seconds", "2", "--json"]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    assert set(measured) == set(MEASURED)
    assert measured["results_per_s"] > 0
    assert 0 < measured["frame_to_overlay_ms"]["median"] <= measured["frame_to_overlay_ms"]["p95"]
    assert measured["page_ready_s"] > 0
