"""Test the comparison of runs: order, metrics, differing settings, damaged runs."""

import json
from pathlib import Path

import pytest

from fer_lib.settings import TrainingSettings
from fer_lib.training.runs import comparison
from fer_lib.training.runs.comparison import compare_runs
from fer_lib.training.runs.run import RETIRED, Run


def make_run(folder: Path, accuracies: list[float], finished: bool = False, **values) -> Path:
    folder.mkdir(parents=True)
    settings = TrainingSettings.load(**values).model_dump(mode="json")
    (folder / "settings.json").write_text(json.dumps({"settings": settings}))
    lines = [
        {
            "epoch": n,
            "loss": 1.5,
            "validation_nll": 2 - x,
            "validation_accuracy": x,
            "validation_macro_f1": x - 0.1,
            "seconds": 30,
        }
        for n, x in enumerate(accuracies)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if finished:
        (folder / "emotion.json").write_text("{}")
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    make_run(tmp_path / "runs" / "1-plain", [0.3, 0.5, 0.4], learning_rate=0.01)
    make_run(tmp_path / "runs" / "2-mixed", [0.4, 0.6], finished=True, mixup=0.2, run_name="other")
    make_run(tmp_path / "runs" / "3-new", [])
    (tmp_path / "runs" / "notes").mkdir()
    return tmp_path / "runs"


def test_compare_runs_no_runs(tmp_path):
    nothing = compare_runs(tmp_path / "runs")
    assert nothing.rows == []
    assert nothing.as_html() == "there are no runs yet"


def test_compare_runs_best_first_with_metrics(runs):
    first, second, third = compare_runs(runs).rows
    assert [row["run"] for row in (first, second, third)] == ["2-mixed", "1-plain", "3-new"]
    assert (first["accuracy"], first["macro_f1"], first["finished"]) == (0.6, 0.5, "yes")
    assert (second["selected_epoch"], second["epochs"], second["minutes"]) == (2, "3 of 22", 1.5)
    assert (third["accuracy"], third["selected_epoch"], third["epochs"]) == (None, None, "0 of 22")


def test_compare_runs_shows_only_settings_that_differ(runs):
    rows = {row["run"]: row for row in compare_runs(runs).rows}
    assert (rows["1-plain"]["learning_rate"], rows["2-mixed"]["learning_rate"]) == (0.01, 0.001)
    assert rows["2-mixed"]["mixup"] == 0.2
    assert "batch_size" not in rows["1-plain"]
    assert "run_name" not in rows["1-plain"]


def test_compare_runs_of_an_earlier_version_without_its_retired_defaults(runs):
    record = Run(runs / "1-plain").record
    known = json.loads(record.read_text())["settings"]
    record.write_text(json.dumps({"settings": {**known, **RETIRED, "label_smoothing": 0.1}}))
    rows = {row["run"]: row for row in compare_runs(runs).rows}
    assert (rows["1-plain"]["label_smoothing"], rows["2-mixed"]["label_smoothing"]) == (0.1, 0.0)
    assert "early_stopping" not in rows["1-plain"]


def test_compare_runs_chosen_folders(runs):
    chosen = compare_runs([runs / "1-plain", runs / "2-mixed"])
    assert list(chosen.epochs) == ["2-mixed", "1-plain"]
    assert [len(lines) for lines in chosen.epochs.values()] == [2, 3]


def test_compare_runs_skips_damaged_run(runs, capsys):
    (runs / "1-plain" / "metrics.jsonl").write_text('{"epoch": 0, "lo')
    assert "1-plain" not in compare_runs(runs).epochs
    assert "skipped the run 1-plain" in capsys.readouterr().out


def test_as_html_has_a_row_per_run_and_escapes(runs):
    make_run(runs / "4-<b>", [0.1])
    table = compare_runs(runs).as_html()
    assert table.count("<tr>") == 5
    assert "60.0%" in table
    assert "MIXUP" in table
    assert "4-&lt;b&gt;" in table


def test_comparison_shows_table_and_curves_in_a_notebook(runs, monkeypatch):
    shown = []
    monkeypatch.setattr(comparison, "display", shown.append)
    compare_runs(runs)._ipython_display_()
    table, figure = shown
    assert "2-mixed" in table.data
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["2-mixed", "1-plain"]


def test_comparison_without_epochs_shows_no_curves(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(comparison, "display", shown.append)
    compare_runs(tmp_path)._ipython_display_()
    assert [table.data for table in shown] == ["there are no runs yet"]
