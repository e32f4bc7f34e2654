"""Format an evaluation report as a text table."""

from __future__ import annotations

from typing import Any

from fer_lib.labels import EMOTIONS


def format_report(report: dict[str, Any]) -> str:
    """Format a report of `make_report` or `evaluate` as a table."""
    return "\n".join([*_summary(report), "", *_calibration(report), "", *_labels(report)])


def _summary(report: dict[str, Any]) -> list[str]:
    lines = [
        _line("images", f"{report['images']:,}", _broken(report)),
        _line("accuracy", f"{report['accuracy']:.1%}", _interval(report["accuracy_ci95"])),
        _line("balanced accuracy", f"{report['balanced_accuracy']:.1%}", _balanced(report)),
        _line("without duplicates", *_without_duplicates(report)),
        _line("macro-F1", f"{report['macro_f1']:.3f}", _interval(report["macro_f1_ci95"], ".3f")),
        *(_coverage(one) for one in report["coverage"]),
    ]
    if report.get("ferplus_agreement") is not None:
        note = f"{report['ferplus_images']:,} images with a majority of the FER+ votes"
        lines.append(_line("FER+ agreement", f"{report['ferplus_agreement']:.1%}", note))
    if "perturbation_flip_rate" in report:
        note = "predictions that change when the box is shifted by 2 % of its side"
        lines.append(_line("flip rate", f"{report['perturbation_flip_rate']:.1%}", note))
    if "latency_ms" in report:
        note = f"one face, median; 95 % within {report['latency_ms']['p95']:.1f} ms"
        lines.append(_line("latency", f"{report['latency_ms']['median']:.1f} ms", note))
    return lines


def _calibration(report: dict[str, Any]) -> list[str]:
    names = {"raw": "none", "card": "of the card", "fitted": "fitted on validation"}
    lines = [f"{'temperature':28}{'':>8}{'ECE':>8}{'NLL':>8}{'Brier':>8}"]
    for name, values in report["calibration"].items():
        numbers = "".join(f"{values[key]:8.3f}" for key in ("temperature", "ece", "nll", "brier"))
        lines.append(f"  {names[name]:26}{numbers}")
    return lines


def _labels(report: dict[str, Any]) -> list[str]:
    lines = [f"{'label':12}{'precision':>10}{'recall':>10}{'F1':>8}{'images':>8}"]
    for label in EMOTIONS:
        values = report["per_label"][label]
        shares = f"{values['precision']:10.1%}{values['recall']:10.1%}"
        lines.append(f"  {label:10}{shares}{values['f1']:8.3f}{values['images']:8,}")
    return lines


def _without_duplicates(report: dict[str, Any]) -> tuple[str, str]:
    if report["duplicates"] is None:
        return "–", "unknown: there are no training images beside these"
    note = f"{report['duplicates']:,} images have a near duplicate in the training split"
    value = report["accuracy_without_duplicates"]
    return "–" if value is None else f"{value:.1%}", note


def _balanced(report: dict[str, Any]) -> str:
    return f"{_interval(report['balanced_accuracy_ci95'])}; mean recall over the labels"


def _coverage(point: dict[str, Any]) -> str:
    note = "images left when the least confident predictions are rejected"
    return _line(f"coverage at {point['accuracy']:.0%} accuracy", f"{point['coverage']:.1%}", note)


def _broken(report: dict[str, Any]) -> str:
    return f"{report['broken']:,} unreadable, left out" if report.get("broken") else ""


def _interval(interval: list[float], form: str = ".1%") -> str:
    return f"95 % interval {interval[0]:{form}} to {interval[1]:{form}}"


def _line(name: str, value: str, note: str = "") -> str:
    return f"{name:28}{value:>8}   {note}".rstrip()
