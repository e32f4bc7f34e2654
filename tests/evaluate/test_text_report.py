"""The report as people read it."""

import numpy as np

from fer_lib.evaluate.report import make_report
from fer_lib.evaluate.text_report import format_report
from fer_lib.labels import EMOTIONS


def test_format_report_holds_every_label_and_number(answers):
    report = make_report(answers, np.zeros(35, bool), answers, {answers.split.names[0]: np.eye(7)[0]})
    text = format_report({**report, "latency_ms": {"median": 1.25, "p95": 2.5}})
    lines = text.splitlines()
    for label in EMOTIONS:
        assert any(line.split()[:1] == [label] for line in lines)
    assert f"{report['accuracy']:.1%}" in text
    assert "0 images also stand in the training split" in text
    assert "FER+ agreement" in text
    assert f"{report['coverage'][1]['coverage']:.1%}" in next(one for one in lines if "90% accuracy" in one)
    assert "1.2 ms" in text
    assert "fitted on validation" in text


def test_format_report_without_what_is_not_known(answers):
    text = format_report(make_report(answers))
    assert "no training images beside these" in text
    assert "FER+" not in text
    assert "latency" not in text
    assert "fitted" not in text
