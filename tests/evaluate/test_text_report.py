"""Text table of an evaluation report."""

import numpy as np

from fer_lib.evaluate.report import make_report
from fer_lib.evaluate.text_report import format_report
from fer_lib.labels import EMOTIONS


def test_format_report_labels_and_metrics(predictions):
    report = make_report(predictions, np.zeros(35, bool), predictions, {predictions.split.names[0]: np.eye(7)[0]})
    text = format_report({**report, "latency_ms": {"median": 1.25, "p95": 2.5}})
    lines = text.splitlines()
    for label in EMOTIONS:
        assert any(line.split()[:1] == [label] for line in lines)
    assert f"{report['accuracy']:.1%}" in text
    assert "0 images have a near duplicate" in text
    assert "FER+ agreement" in text
    assert f"{report['coverage'][1]['coverage']:.1%}" in next(one for one in lines if "90% accuracy" in one)
    assert "1.2 ms" in text
    assert "fitted on validation" in text


def test_format_report_unknown_metrics_are_left_out(predictions):
    text = format_report(make_report(predictions))
    assert "no training images" in text
    assert "FER+" not in text
    assert "latency" not in text
    assert "fitted" not in text
