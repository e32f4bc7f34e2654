"""Markdown tables of the reports in a model card; metrics that an older report lacks are dashes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fer_lib.labels import EMOTIONS

Reports = dict[str, dict[str, Any]]  # split → report
COLUMNS = 4  # strengths per corruption
ALL, WITHOUT = "", "_without_duplicates"


def headline_table(reports: Reports) -> list[str]:
    """Return accuracy, balanced accuracy, macro-F1 and ECE with intervals, with and without near duplicates."""
    rows = []
    for split, report in reports.items():
        rows.append([split, f"{report['images']:,}", *_headline(report, ALL)])
        if report.get("duplicates") is not None:
            unique = report["images"] - report["duplicates"]
            rows.append([f"{split}, without near duplicates", f"{unique:,}", *_headline(report, WITHOUT)])
    return _table(["split", "images", "accuracy", "balanced accuracy", "macro-F1", "ECE"], rows)


def detail_table(reports: Reports) -> list[str]:
    """Return the other metrics of each split: NLL, Brier score, FER+ agreement, flip rate, coverage."""
    accuracies = list(
        dict.fromkeys(one["accuracy"] for report in reports.values() for one in report.get("coverage", ()))
    )
    head = ["split", "NLL", "Brier", "FER+ agreement", "flip rate"]
    head += [f"coverage at {accuracy:.0%}".replace("%", " %") + " accuracy" for accuracy in accuracies]
    rows = []
    for split, report in reports.items():
        kept = {one["accuracy"]: one["coverage"] for one in report.get("coverage", ())}
        shares = [report.get("ferplus_agreement"), report.get("perturbation_flip_rate")]
        shares += [kept.get(accuracy) for accuracy in accuracies]
        rows.append([split, f"{report['nll']:.3f}", f"{report['brier']:.3f}", *map(percent, shares)])
    return _table(head, rows)


def label_table(reports: Reports) -> list[str]:
    """Return precision, recall, F1 and number of images per label, the splits side by side."""
    head = [text for split in reports for text in (f"{split}: precision", "recall", "F1", "images")]
    rows = []
    for label in EMOTIONS:
        row = [label]
        for report in reports.values():
            one = report["per_label"][label]
            row += [percent(one["precision"]), percent(one["recall"]), f"{one['f1']:.3f}", f"{one['images']:,}"]
        rows.append(row)
    return _table(["label", *head], rows)


def slice_table(reports: Reports, aspects: frozenset[str]) -> list[str]:
    """Return the accuracy on each slice by the given aspects, the splits side by side."""
    names = {
        (aspect, name): None
        for report in reports.values()
        for aspect, members in report.get("slices", {}).items()
        for name in members
        if aspect in aspects
    }
    rows = []
    for aspect, name in names:
        row = [f"{aspect}: {name}"]
        for report in reports.values():
            one = report.get("slices", {}).get(aspect, {}).get(name)
            row += [f"{one['images']:,}", percent(one["accuracy"], one["accuracy_ci95"])] if one else ["–", "–"]
        rows.append(row)
    return _table(["slice", *(text for split in reports for text in (f"{split}: images", "accuracy"))], rows)


def robustness_table(curves: dict[str, dict[str, Any]]) -> list[str]:
    """Return the accuracy at `COLUMNS` strengths of each corruption, evenly spread over the measured ones."""
    rows = []
    for name, curve in curves.items():
        indices = np.linspace(0, len(curve["strengths"]) - 1, COLUMNS).round().astype(int)
        cells = [f"{curve['strengths'][i]:g}: {percent(curve['accuracy'][i])}" for i in indices]
        rows.append([f"{name} ({curve['unit']})", *cells])
    return _table(["corruption", *["strength: accuracy"] * COLUMNS], rows)


def percent(value: float | None, interval: list[float] | None = None) -> str:
    """Return a share as "71.6 %", with its interval as "71.6 % (70.1–73.1)"; a dash for `None`."""
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" + (f" ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})" if interval else "")


def _headline(report: dict[str, Any], kind: str) -> list[str]:
    shares = [_value(report, name, kind, percent) for name in ("accuracy", "balanced_accuracy")]
    return shares + [_value(report, name, kind, _number) for name in ("macro_f1", "ece")]


def _value(report: dict[str, Any], name: str, kind: str, write: Any) -> str:
    return str(write(report.get(f"{name}{kind}"), report.get(f"{name}{kind}_ci95")))


def _number(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" ({interval[0]:.3f}–{interval[1]:.3f})" if interval else "")


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]
