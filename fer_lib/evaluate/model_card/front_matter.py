"""YAML front matter of a model card, in the form that the Hugging Face Hub reads."""

from __future__ import annotations

import re
from typing import Any

FENCE = "---\n"
RESULTS = "model-index:"
# Names of the splits in FER2013; those of other data sets are not changed.
SPLIT_NAMES = {"fer2013": {"validation": "PublicTest", "test": "PrivateTest"}}
# Name in a report → metric type and name on the Hub.
METRICS = {
    "accuracy": ("accuracy", "accuracy"),
    "balanced_accuracy": ("recall", "balanced accuracy (macro-averaged recall)"),
    "macro_f1": ("f1", "macro-F1"),
    "ece": ("expected_calibration_error", "expected calibration error (15 bins)"),
}


def replace_results(page: str, card: dict[str, Any]) -> str:
    """Replace `model-index`, the last key of a page's front matter, with the metrics of a card.

    The keys before it are kept; a page without front matter is returned unchanged.
    """
    parts = split_front_matter(page)
    if parts is None:
        return page
    front, rest = parts
    kept = re.split(rf"^{RESULTS}", front, maxsplit=1, flags=re.MULTILINE)[0]
    return "".join([FENCE, kept, *(f"{line}\n" for line in result_lines(card, dataset_of(page))), FENCE, rest])


def split_front_matter(page: str) -> tuple[str, str] | None:
    """Return the front matter without its fences and the rest of the page; `None` if the page has none."""
    front, fence, rest = page.removeprefix(FENCE).partition(f"\n{FENCE}")
    return (f"{front}\n", rest) if page.startswith(FENCE) and fence else None


def dataset_of(page: str) -> str:
    """Return the first of the `datasets` in a page's front matter, or "images"."""
    parts = split_front_matter(page)
    found = re.search(r"^datasets:[\s\[-]*([^\s,\]]+)", parts[0], re.MULTILINE) if parts else None
    return found[1] if found else "images"


def split_name(dataset: str, split: str) -> str:
    """Return the name of a split in its data set, such as "PrivateTest" for "test" of FER2013."""
    return SPLIT_NAMES.get(dataset, {}).get(split, split)


def result_lines(card: dict[str, Any], dataset: str) -> list[str]:
    """Return `model-index` with the metrics of every split of a card, as lines of YAML."""
    lines = [RESULTS, f"- name: {card.get('name', 'emotion')}", "  results:"]
    for split, report in card.get("metrics", {}).items():
        name = f"{dataset.upper()} {split_name(dataset, split)}"
        lines += [
            "  - task: {type: image-classification, name: facial expression recognition}",
            f"    dataset: {{type: {dataset}, name: {name}, split: {split}}}",
            "    metrics:",
        ]
        lines += [
            f"    - {{type: {kind}, name: {text}, value: {report[key]:.4f}}}" for key, (kind, text) in METRICS.items()
        ]
    return lines if card.get("metrics") else [f"{RESULTS} []"]
