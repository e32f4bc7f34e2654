"""Record a report in the model card: the JSON file beside the weights, its page and the figure of robustness."""

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
    "In parentheses: 95 % intervals, Wilson's for accuracy, percentile bootstrap (2,000 seeded draws) for the others; that of the ECE lies "
    "high, because resampling adds noise to its 15 bins. Near copies: images that also stand, but for a JPEG compression, among the training "
    "images. Probabilities are calibrated by the card's temperature. FER+ agreement: predictions equal to the label that more than half of the "
    "FER+ votes for the seven labels name, where there is one. Flip rate: predictions that change when the box moves by 2 % of its side. "
    "Coverage: share of the images kept when the least confident are refused until the rest reach that accuracy."
)
SLICES = (
    "Brightness: mean, in thirds of the images. People agree where one label has at least 80 % of the FER+ votes, and disagree where none has "
    "more than half."
)
CORRUPTIONS = "Corruptions are applied to the crop that the network receives; unchanged crops of"
ON_PAGE = frozenset({"brightness", "people"})  # aspects of the slices; the card has all
NOT_ON_PAGE = frozenset({"brightness"})  # corruptions; gamma is the other measure of light
# Latency is a property of the computer; file name, hash and split are keys of the card already.
NOT_IN_CARD = frozenset({"latency_ms", "weights", "sha256", "split"})


def record_report(weights: Path, report: dict[str, Any]) -> None:
    """Write a report into the card beside `weights` (an ONNX file), and all reports of the card into the page there.

    The page is `README.md` beside the weights. With a measured robustness, `robustness.png` is drawn too, in the folder
    `docs` beside that of the weights, or beside the weights if there is none. The same report again changes nothing.

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
    write_page(weights, card)


def write_page(weights: Path, card: dict[str, Any]) -> None:
    """Write the front matter, the tables and the figure of a card beside its `weights`."""
    page = weights.with_name("README.md")
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    update_readme(page, describe_card(card, dataset_of(text)))
    write_text(page, replace_results(page.read_text(encoding="utf-8"), card))
    _, report = _last_with_corruptions(card.get("metrics", {}))
    if report:
        from fer_lib.plots import plot_robustness, save_png  # matplotlib takes a second, and only the card needs it

        docs = weights.absolute().parent.parent / "docs"
        folder = docs if docs.is_dir() else weights.parent
        save_png(plot_robustness(report["robustness"]), folder / "robustness.png")


def update_readme(path: Path, section: str) -> None:
    """Put a section between the markers of a README; without markers it goes to the end, without README into a new one."""
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Weights\n"
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if start and not end:
        raise ValueError(f"{path} must have the line {END} after {START}, but has not; add it by hand")
    before = before if start else before.rstrip("\n") + "\n\n"
    write_text(path, f"{before}{START}\n\n{section.strip()}\n\n{END}{after if end else chr(10)}")


def describe_card(card: dict[str, Any], dataset: str = "images") -> str:
    """Describe in Markdown what was measured, all splits in a card side by side.

    Args:
        card: with the reports in `metrics`.
        dataset: whose names the splits get; see `fer_lib.evaluate.model_card.front_matter`.
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
        curves = {name: curve for name, curve in report["robustness"].items() if name not in NOT_ON_PAGE}
        unchanged = percent(next(iter(curves.values()))["undisturbed"])
        parts += [[f"{SLICES} {CORRUPTIONS} {split}: {unchanged}."], robustness_table(curves)]
    return "\n\n".join([lines[0], *("\n".join(part) for part in parts)])


def _last_with_corruptions(reports: Reports) -> tuple[str, dict[str, Any]]:
    measured = [(split, report) for split, report in reports.items() if "robustness" in report]
    return measured[-1] if measured else ("", {})
