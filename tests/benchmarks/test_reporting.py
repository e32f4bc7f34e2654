"""Reporting of benchmarks: table, JSON and plot."""

import argparse
import ast
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from benchmarks import recorder
from benchmarks.figures import draw_live, draw_pipeline, draw_visitors
from harness.reporting import add_reporting, report

MEASURED = {"rate": 3.5, "_course": [1, 2]}


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    add_reporting(parser)
    report(
        parser.parse_args(words), MEASURED, lambda measured: f"{measured['rate']} a second", lambda measured: Figure()
    )


def test_report_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    run()
    assert capsys.readouterr().out == "3.5 a second\n"


def test_report_json_without_names_for_the_plot(capsys: pytest.CaptureFixture[str]) -> None:
    run("--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"rate": 3.5}


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_report_a_plot(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"rate.{ending}"
    run("--plot", str(path))
    assert path.stat().st_size > 100


def test_draw_pipeline_live_and_visitors() -> None:
    costs = dict.fromkeys(("faces_6_over_1", "hd_over_vga", "no_face_over_one"), 1.5)
    frame_ms = {"classical": [80.0, 90.0], "ours": [5.0, 6.0, 7.0]}
    assert len(draw_pipeline({"_frame_ms": frame_ms, "ratio": 12.0, **costs}).axes) == 2
    late = {
        "results_per_s": 30.0,
        "frame_to_overlay_ms": {"median": 20, "p95": 30},
        "_overlays": [(0.0, 20), (0.1, 30)],
    }
    assert len(draw_live(late).axes) == 2
    rates = {f"{name}_results_per_s": 12.0 for name in ("min", "median", "max")}
    assert len(draw_visitors({"crowds": [{"visitors": 4, "delay_ms": 9.0, **rates}]}).axes) == 2


def test_recorder_format_table_and_draw() -> None:
    ast.parse(recorder.RECIPE)
    measured = {"results": 30, "results_per_s": 1.5, "_counts": [0, 1, 3]}
    assert "1.5 results per second" in recorder.format_table(measured)
    assert len(recorder.draw(measured).axes) == 1
