import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_networks import write_emotion_network

from benchmarks import pipeline, workers
from benchmarks.costs import compare_boxes
from benchmarks.workers import Worker
from fer_lib.boxes import iou
from fer_lib.settings import VisionSettings
from fer_lib.vision.media.frames import decode_jpeg
from fer_lib.vision.mtcnn.detection import Detector
from fer_lib.weights import DETECTOR, weights_folder
from harness.clips import compose_clip


@pytest.mark.parametrize("faces", [1, 2, 4])
def test_compose_clip_truth_matches_the_detector(faces: int) -> None:
    clip = compose_clip(3, faces, rate=1)
    assert (len(clip), clip.truth.shape) == (3, (3, faces, 4))
    detector = Detector(VisionSettings(min_face_size=40))
    for jpeg, truth in zip(clip.jpegs, clip.truth, strict=True):
        frame = decode_jpeg(jpeg)
        assert frame.shape == (480, 640, 3)
        shared = iou(truth, detector.detect(frame).xyxy)
        assert shared.shape == (faces, faces)
        assert shared.max(axis=1).min() > 0.7


def test_compose_clip_is_deterministic() -> None:
    first, second = compose_clip(2), compose_clip(2)
    assert first.jpegs == second.jpegs
    assert first.jpegs[0] != first.jpegs[1]


def test_compose_clip_motion_is_independent_of_the_rate() -> None:
    np.testing.assert_allclose(compose_clip(3, rate=1).truth, compose_clip(9, rate=4).truth[::4], atol=1e-3)


def test_summarize_known_values() -> None:
    assert pipeline.summarize([3.0]) == {"median": 3, "mean": 3, "p95": 3, "max": 3}
    assert pipeline.summarize([*range(101)]) == {"median": 50, "mean": 50, "p95": 95, "max": 100}


def make_path(*boxes: list[list[float]]) -> workers.PathRun:
    return workers.PathRun([1.0] * len(boxes), [np.array(one, np.float32).reshape(-1, 4) for one in boxes], 0, 0)


def test_compare_boxes_counts_large_faces_both_ways() -> None:
    left, right, small = [0, 0, 50, 50], [100, 0, 150, 50], [200, 200, 230, 230]
    ours = make_path([left, right], [left], [])
    classical = make_path([left, small], [left, right], [])
    assert compare_boxes(ours, classical) == {"recall": 2 / 3, "precision": 2 / 3}
    assert compare_boxes(make_path([]), make_path([])) == {"recall": 1, "precision": 1}


def test_worker_unknown_module() -> None:
    with pytest.raises(RuntimeError, match="its process ended"):
        Worker("nowhere", compose_clip(1))


def test_main_prints_json_on_the_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in DETECTOR:
        for ending in ("onnx", "json"):
            shutil.copy(weights_folder() / f"{name}.{ending}", tmp_path)
    write_emotion_network(tmp_path)
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # torch's threads in a busy test run
    monkeypatch.setattr(pipeline, "LOADS", 1)
    monkeypatch.setattr(workers, "BLOCK_FRAMES", 3)
    monkeypatch.setattr(sys, "argv", ["pipeline", "--frames", "4", "--long", "5", "--json"])
    pipeline.main()
    *table, last = capfd.readouterr().out.splitlines()
    measured = json.loads(last)
    for name in ("classical_ms", "ours_ms"):
        assert 0 < measured[name]["median"] <= measured[name]["p95"] <= measured[name]["max"]
    assert measured["ratio"] == measured["classical_ms"]["median"] / measured["ours_ms"]["median"]
    assert measured["load_s"] > 0
    assert 50 < measured["memory_mb"] < measured["classical_memory_mb"]
    assert measured["ours_found"] == measured["classical_found"] == 1
    assert measured["recall"] == measured["precision"] == 1
    costs = [f"{name}{of}" for name in pipeline.COSTS for of in ("", "_median")]
    for name in ("mean_ratio", "worst_frame_ratio", *costs):
        assert measured[name] > 0
    assert abs(measured["growth_mb"]) < 50
    assert any(line.startswith("classical") for line in table)
    assert any(line.startswith("ours") for line in table)
