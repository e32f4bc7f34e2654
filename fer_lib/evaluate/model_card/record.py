"""Write an evaluation report into the model card: JSON file, page and robustness figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fer_lib.atomic_write import write_text
from fer_lib.evaluate.model_card.front_matter import dataset_of, replace_results, split_name
from fer_lib.evaluate.model_card.tables import (
    Reports,
    detail_table,
    headline_table,
    label_table,
    percent,
    robustness_table,
    slice_table,
)
from fer_lib.weights import read_card, write_card

START = "<!-- measured: start (written by `python -m fer_lib.evaluate --write-card`) -->"
END = "<!-- measured: end -->"
METRICS = (
    "In parentheses: 95 % intervals, Wilson's for accuracy, percentile bootstrap (2,000 seeded draws) for the others; that of the ECE is "
    "biased upwards, because resampling adds noise to its 15 bins. Near duplicates: images that equal a training image up to one JPEG "
    "compression. Probabilities are calibrated with the card's temperature. FER+ agreement: share of predictions equal to the majority label "
    "(more than half of the FER+ votes for the seven labels), where there is one. Flip rate: share of predictions that change when the box is "
    "shifted by 2 % of its side. Coverage: share of images left when the least confident predictions are rejected until the others reach that "
    "accuracy."
)
SLICES = (
    "Brightness: mean grey level, in thirds of the images. People agree if one label has at least 80 % of the FER+ votes, and disagree if none "
    "has more than half."
)
CORRUPTIONS = "Corruptions are applied to the crop that the network receives. Clean accuracy (without corruption) on"
ON_PAGE = frozenset({"brightness", "people"})  # aspects of the slices; the JSON file has all
NOT_ON_PAGE = frozenset({"brightness"})  # corruptions; gamma covers the brightness too
# Latency is a property of the computer; file name, hash and split are already in the card.
NOT_IN_CARD = frozenset({"latency_ms", "weights", "sha256", "split"})


def record_report(weights: Path, report: dict[str, Any]) -> None:
    """Write a report into the card of `weights` (an ONNX file), and all reports of the card into its page; idempotent.

    The page is `README.md` beside the weights. If the robustness is measured, `robustness.png` is drawn in the folder `docs`
    beside that of the weights, or beside the weights if there is none.

    Raises:
        FileNotFoundError: if the card is missing.
        ValueError: if the report is about other weights.
    """
    path = weights.with_suffix(".json")
    card = read_card(path)
    if report["sha256"] != card.get("sha256"):
        raise ValueError(
            f"`report` must be about {weights} with SHA-256 {card.get('sha256')}, but got {report['sha256']}"
        )
    measured = {name: value for name, value in report.items() if name not in NOT_IN_CARD}
    card["metrics"] = {**card.get("metrics", {}), report["split"]: measured}
    write_card(path, card)
    write_page(weights, card)


def write_page(weights: Path, card: dict[str, Any]) -> None:
    """Write the front matter, the tables and the figure of a card beside its `weights`."""
    page = weights.with_name("README.md")
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    update_readme(page, format_card(card, dataset_of(text)))
    write_text(page, replace_results(page.read_text(encoding="utf-8"), card))
    _, report = _last_with_corruptions(card.get("metrics", {}))
    if report:
        from fer_lib.plots import plot_robustness, save_png  # imports matplotlib, which only the card needs

        docs = weights.absolute().parent.parent / "docs"
        folder = docs if docs.is_dir() else weights.parent
        save_png(plot_robustness(corruption_curves(report)), folder / "robustness.png")


def update_readme(path: Path, section: str) -> None:
    """Replace the section between the markers of a README; append it if there are none, create a missing README."""
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Weights\n"
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if start and not end:
        raise ValueError(f"{path} must contain the line {END} after {START}, but does not; add it")
    before = before if start else before.rstrip("\n") + "\n\n"
    write_text(path, f"{before}{START}\n\n{section.strip()}\n\n{END}{after if end else chr(10)}")


def format_card(card: dict[str, Any], dataset: str = "images") -> str:
    """Format the metrics of a card as Markdown, all splits side by side.

    Args:
        card: with the reports in `metrics`.
        dataset: defines the names of the splits; see `fer_lib.evaluate.model_card.front_matter`.
    """
    measured = card.get("metrics", {})
    lines = [f"## Results of `{card.get('name', 'emotion')}`", ""]
    if not measured:
        return "\n".join([*lines, "Not measured yet."])
    reports = {split_name(dataset, split): report for split, report in measured.items()}
    parts = [headline_table(reports), detail_table(reports), [METRICS], label_table(reports)]
    parts += [slice_table(reports, ON_PAGE)]
    split, report = _last_with_corruptions(reports)
    if not report:
        parts.append([SLICES])
    else:
        curves = {name: curve for name, curve in corruption_curves(report).items() if name not in NOT_ON_PAGE}
        clean = percent(next(iter(curves.values()))["clean_accuracy"])
        parts += [[f"{SLICES} {CORRUPTIONS} {split}: {clean}."], robustness_table(curves)]
    return "\n\n".join([lines[0], *("\n".join(part) for part in parts)])


def corruption_curves(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the curves of a report by corruption; cards of earlier versions have `undisturbed` for `clean_accuracy`."""
    return {name: {"clean_accuracy": curve.get("undisturbed"), **curve} for name, curve in report["robustness"].items()}


def _last_with_corruptions(reports: Reports) -> tuple[str, dict[str, Any]]:
    measured = [(split, report) for split, report in reports.items() if "robustness" in report]
    return measured[-1] if measured else ("", {})
