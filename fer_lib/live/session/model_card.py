"""Model card of the emotion network for the page: measured accuracy, recall per label, and limits of use."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.weights import EMOTION, read_card, weights_folder

SPLITS = {
    "test": "that were not used for training",
    "validation": "that were used to choose the model, so that the real accuracy may be a little lower",
}
LEGAL_NOTICE = (
    "In the European Union, inferring emotions at work or in education is forbidden, except for medical or safety "
    "reasons; other places have other laws."
)


def render_model_card(folder: Path | None = None) -> str:
    """Render the model card as a collapsed HTML section; empty if the card is missing or incomplete.

    Args:
        folder: folder of the weights; `None`: the project's own.
    """
    try:
        card = read_card((folder or weights_folder()) / f"{EMOTION}.json")
        return _render(card)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return ""  # the status line reports errors in the weights


def _render(card: dict[str, Any]) -> str:
    split = next((name for name in SPLITS if name in card["metrics"]), "test")
    measured = card["metrics"][split]
    low, high = measured["accuracy_ci95"]
    rows = "".join(_row(label, float(measured["per_label"][label]["recall"])) for label in EMOTIONS)
    return (
        "<details class='fer-about'><summary>How often is it right?</summary>"
        f"<p>On {int(measured['images']):,} images {SPLITS[split]}, the accuracy is {measured['accuracy']:.0%} (95 % "
        f"confidence interval {low:.0%} to {high:.0%}); people often disagree about the labels, too. Recall of each "
        f"label:</p><ul>{rows}</ul><p>{LEGAL_NOTICE} {escape(str(card['what']))}.</p></details>"
    )


def _row(label: str, recall: float) -> str:
    return f"<li><i style='background: {EMOTION_COLORS[label]}'></i>{label} <b>{recall:.0%}</b></li>"
