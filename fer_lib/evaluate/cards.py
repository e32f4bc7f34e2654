"""What was measured goes into the card of the weights and into the README beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fer_lib.drafts import write_text
from fer_lib.labels import EMOTIONS
from fer_lib.weights import read_card, write_card

START = "<!-- measured: start (written by `python -m fer_lib.evaluate --write-card`) -->"
END = "<!-- measured: end -->"
# How fast it is belongs to a computer, and where the file lies to the card: neither is a property of the network.
NOT_IN_CARD = frozenset({"latency_ms", "weights", "sha256", "split"})


def record_report(weights: Path, report: dict[str, Any]) -> None:
    """Write a report into the card beside `weights` (an ONNX file), and all its reports into the README there.

    Doing it again with the same report changes nothing.

    Raises:
        FileNotFoundError: if the card is missing.
        ValueError: if the report was made with other weights.
    """
    path = weights.with_suffix(".json")
    card = read_card(path)
    if report["sha256"] != card.get("sha256"):
        raise ValueError(f"the report must be about {weights}, whose SHA-256 is {card.get('sha256')}, but it is not")
    measured = {name: value for name, value in report.items() if name not in NOT_IN_CARD}
    card["metrics"] = {**card.get("metrics", {}), report["split"]: measured}
    write_card(path, card)
    update_readme(weights.with_name("README.md"), describe_card(card))


def update_readme(path: Path, section: str) -> None:
    """Put a section between the markers of a README; without markers it goes to the end, without README into a new one."""
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Weights\n"
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if start and not end:
        raise ValueError(f"{path} must have the line {END} after {START}, but has not; add it by hand")
    before = before if start else before.rstrip("\n") + "\n\n"
    write_text(path, f"{before}{START}\n\n{section.strip()}\n\n{END}{after if end else chr(10)}")


def describe_card(card: dict[str, Any]) -> str:
    """Describe in Markdown what a card says was measured; each split has its row."""
    reports = card.get("metrics", {})
    lines = [
        f"## How good `{card.get('name', 'emotion')}` is",
        "",
        "| split | images | accuracy (95 % interval) | balanced accuracy | macro-F1 | without copies | ECE | NLL | FER+ | flip rate |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(split, report) for split, report in reports.items()),
        "",
        "Balanced accuracy: mean recall over the labels. Without copies: accuracy on images that do not also stand, but for a JPEG compression, among the training images. "
        "ECE in 15 bins and NLL with the card's temperature. FER+: how often the network says what more than half of "
        "the FER+ votes for the seven labels say, on images with such a majority. "
        "Flip rate: how often the label changes when the box moves by 2 % of its side.",
    ]
    for split, report in reports.items():
        lines += [
            "",
            f"Per label, on {split}:",
            "",
            "| label | precision | recall | F1 | images |",
            "|---|---|---|---|---|",
        ]
        lines += [_label_row(label, report["per_label"][label]) for label in EMOTIONS]
    return "\n".join(lines)


def _row(split: str, report: dict[str, Any]) -> str:
    low, high = report["accuracy_ci95"]
    cells = [
        split,
        f"{report['images']:,}",
        f"{report['accuracy']:.1%} ({low:.1%} to {high:.1%})",
        _share(report["balanced_accuracy"]),
        f"{report['macro_f1']:.3f}",
        _share(report.get("accuracy_without_duplicates")),
        f"{report['ece']:.3f}",
        f"{report['nll']:.3f}",
        _share(report.get("ferplus_agreement")),
        _share(report.get("perturbation_flip_rate")),
    ]
    return f"| {' | '.join(cells)} |"


def _label_row(label: str, values: dict[str, Any]) -> str:
    return (
        f"| {label} | {values['precision']:.1%} | {values['recall']:.1%} | {values['f1']:.3f} | {values['images']:,} |"
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
