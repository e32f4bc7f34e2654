"""Reports are written into the JSON file and the page of the model card; writing is idempotent."""

import json

import numpy as np
import pytest

from fer_lib.evaluate.model_card.record import END, START, corruption_curves, format_card, record_report, update_readme
from fer_lib.evaluate.model_card.tables import percent
from fer_lib.evaluate.report import make_report
from fer_lib.weights import load_emotion_weights, read_card


@pytest.fixture
def weights(write_network):
    return write_network(np.zeros((24 * 24, 7)))


@pytest.fixture
def report(predictions, weights):
    sha256 = read_card(weights.with_suffix(".json"))["sha256"]
    about = {"weights": "emotion.onnx", "sha256": sha256, "split": "test", "latency_ms": {"median": 1.0, "p95": 2.0}}
    return {**make_report(predictions), **about}


def test_record_report_is_idempotent(weights, report):
    (weights.parent / "README.md").write_text("# Weights\n\nWhere they come from.\n")
    record_report(weights, report)
    first = {path.name: path.read_bytes() for path in weights.parent.iterdir()}
    record_report(weights, {**report, "latency_ms": {"median": 9.0, "p95": 9.0}})
    assert {path.name: path.read_bytes() for path in weights.parent.iterdir()} == first
    assert set(first) == {"README.md", "emotion.json", "emotion.onnx"}


def test_record_report_keeps_the_rest_of_the_card(weights, report):
    before = read_card(weights.with_suffix(".json"))
    record_report(weights, report)
    record_report(weights, {**report, "split": "validation"})
    card = read_card(weights.with_suffix(".json"))
    assert set(card["metrics"]) == {"test", "validation"}
    assert card["metrics"]["test"]["accuracy"] == report["accuracy"]
    assert {name: value for name, value in card.items() if name != "metrics"} == before
    assert load_emotion_weights(weights.parent).temperature == 0.73


def test_record_report_other_weights_raises(weights, report):
    with pytest.raises(ValueError, match=f"`report` must be about .* but got {'0' * 64}"):
        record_report(weights, {**report, "sha256": "0" * 64})


def test_update_readme_replaces_the_section_between_the_markers(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n\n{START}\n\nold\n\n{END}\n\nafter\n")
    update_readme(path, "new\n")
    assert path.read_text() == f"before\n\n{START}\n\nnew\n\n{END}\n\nafter\n"


def test_update_readme_without_markers_or_without_file(tmp_path):
    path = tmp_path / "README.md"
    update_readme(path, "new")
    assert path.read_text() == f"# Weights\n\n{START}\n\nnew\n\n{END}\n"
    path.write_text("# Mine\n")
    update_readme(path, "new")
    assert path.read_text() == f"# Mine\n\n{START}\n\nnew\n\n{END}\n"


def test_update_readme_missing_end_marker_raises(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"a\n{START}\nb\n")
    with pytest.raises(ValueError, match=r"must contain the line .*measured: end"):
        update_readme(path, "new")
    assert path.read_text() == f"a\n{START}\nb\n"


def test_format_card_measured_values(weights, report):
    record_report(weights, report)
    text = format_card(json.loads(weights.with_suffix(".json").read_text()))
    assert f"| test | 35 | {100 * report['accuracy']:.1f} % (" in text
    assert f"| happy | {100 * report['per_label']['happy']['precision']:.1f} % |" in text
    assert "1.0 ms" not in text


def test_format_card_without_metrics():
    assert "Not measured yet" in format_card({"name": "emotion"})


def test_format_card_report_of_an_older_version(weights, report):
    names = ("accuracy", "accuracy_ci95", "balanced_accuracy", "macro_f1", "ece", "nll", "brier", "images", "per_label")
    card = {"metrics": {"validation": {name: report[name] for name in names}, "test": report}}
    assert f"| validation | 35 | {percent(report['accuracy'], report['accuracy_ci95'])} |" in format_card(card)


def test_record_report_draws_the_robustness_figure(weights, report, tmp_path):
    curve = {"unit": "pixels", "strengths": [48, 32, 24, 12], "clean_accuracy": 0.7, "accuracy": [0.7, 0.6, 0.5, 0.25]}
    curve["accuracy_ci95"] = [[value - 0.1, value + 0.1] for value in curve["accuracy"]]
    report["robustness"] = {"face size": curve}
    record_report(weights, report)
    page = (weights.parent / "README.md").read_text()
    assert "| face size (pixels) | 48: 70.0 % | 32: 60.0 % | 24: 50.0 % | 12: 25.0 % |" in page
    drawn = (weights.parent / "robustness.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    record_report(weights, report)
    assert (weights.parent / "robustness.png").read_bytes() == drawn


def test_corruption_curves_of_an_older_version():
    old = {"strengths": [1], "accuracy": [0.5], "undisturbed": 0.7}
    assert corruption_curves({"robustness": {"blur": old}})["blur"]["clean_accuracy"] == 0.7
    new = {"strengths": [1], "accuracy": [0.5], "clean_accuracy": 0.8}
    assert corruption_curves({"robustness": {"blur": new}}) == {"blur": new}


def test_percent_interval_and_missing():
    assert percent(0.7164, [0.7014, 0.7309]) == "71.6 % (70.1–73.1)"
    assert percent(None) == "–"
