"""Compare runs: validation metrics and the settings that differ."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.display import HTML, display

from fer_lib.plots.curves import plot_runs, run_colors
from fer_lib.terminal import printable
from fer_lib.training.runs.run import RETIRED, STORAGE, Run, select_epoch

HEADINGS = {
    "run": "run",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "loss": "loss",
    "selected_epoch": "at epoch",
    "epochs": "epochs",
    "minutes": "minutes",
    "finished": "finished",
}
FORMATS = {"accuracy": "{:.1%}", "macro_f1": "{:.3f}", "loss": "{:.3f}", "minutes": "{:.1f}"}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Comparison of runs, best first; displays a table and curves in a notebook.

    Attributes:
        rows: one row per run: name, validation accuracy, macro-F1 and loss of the selected epoch, that epoch (from 1), epochs
            and minutes so far, whether it is finished, and every setting in which the runs differ.
        epochs: metrics of every epoch, by run.
    """

    rows: list[dict[str, Any]]
    epochs: dict[str, list[dict[str, Any]]]

    def as_html(self) -> str:
        """Return the table as HTML; the dot of each run has the colour of its curve."""
        if not self.rows:
            return "there are no runs yet"
        colors = run_colors(list(self.epochs))
        head = "".join(f"<th>{html.escape(HEADINGS.get(name, name.upper()))}</th>" for name in self.rows[0])
        body = "".join(
            "<tr>" + "".join(_cell(name, value, colors[row["run"]]) for name, value in row.items()) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _ipython_display_(self) -> None:
        display(HTML(self.as_html()))
        if any(self.epochs.values()):
            selected = {row["run"]: row["selected_epoch"] for row in self.rows if row["selected_epoch"]}
            display(plot_runs(self.epochs, selected))


def compare_runs(runs: Path | Iterable[Path]) -> Comparison:
    """Compare runs; unreadable ones are reported and skipped.

    Args:
        runs: folder of all runs (`RUNS_DIR`), or the folders of the runs to compare.
    """
    folders = [Path(runs)] if isinstance(runs, str | Path) else [Path(folder) for folder in runs]
    if len(folders) == 1 and not Run(folders[0]).record.is_file():
        folders = sorted(folders[0].glob("*/"))
    read = {folder.name: (Run(folder), *found) for folder in folders if (found := _read_run(Run(folder))) is not None}
    rows = sorted((_summarize(*one) for one in read.values()), key=_rank)
    differing = _differing([settings for _, settings, _ in read.values()])
    for row in rows:
        settings = read[row["run"]][1]
        row.update({name: settings.get(name) for name in differing})
    return Comparison(rows, {row["run"]: read[row["run"]][2] for row in rows})


def _read_run(run: Run) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    if not run.record.is_file():
        return None
    try:
        return RETIRED | run.read_settings(), run.read_metrics()
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(printable(f"skipped the run {run.folder.name}: unreadable ({error})"))
        return None


def _summarize(run: Run, settings: dict[str, Any], epochs: list[dict[str, Any]]) -> dict[str, Any]:
    selected = select_epoch(epochs, settings.get("keep_by", "accuracy")) if epochs else {}
    return {
        "run": run.folder.name,
        "accuracy": selected.get("validation_accuracy"),
        "macro_f1": selected.get("validation_macro_f1"),
        "loss": selected.get("validation_nll"),
        "selected_epoch": selected["epoch"] + 1 if selected else None,
        "epochs": f"{len(epochs)} of {settings.get('num_epochs')}",
        "minutes": sum(line["seconds"] for line in epochs) / 60,
        "finished": "yes" if run.is_finished else "no",
    }


def _rank(row: dict[str, Any]) -> tuple[float, str]:
    return (-(row["accuracy"] or 0.0), row["run"])


def _differing(settings: list[dict[str, Any]]) -> list[str]:
    """Return the names of the settings whose values differ between runs, in the order of the settings."""
    names = dict.fromkeys(name for one in settings for name in one if name not in STORAGE)
    return [name for name in names if len({json.dumps(one.get(name)) for one in settings}) > 1]


def _cell(name: str, value: Any, color: str) -> str:
    text = "–" if value is None else FORMATS.get(name, "{}").format(value)
    dot = f'<span style="color: {color}">●</span> ' if name == "run" else ""
    return f"<td>{dot}{html.escape(text)}</td>"
