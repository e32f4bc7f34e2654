"""What a visitor should know of the network: how often it is right, and what it is not for."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.weights import EMOTION, read_card, weights_folder

SPLITS = {"test": "that it has never seen", "validation": "that it was chosen on, so in life it may be a little worse"}
LAW = (
    "In the European Union, inferring emotions at work or in education is forbidden, except for medical or safety "
    "reasons; other places have other laws."
)


def render_model_card(folder: Path | None = None) -> str:
    """Return a folded section of HTML from the card of the emotion network; empty where the card says too little.

    Args:
        folder: where the weights are; `None`: the project's own.
    """
    try:
        card = read_card((folder or weights_folder()) / f"{EMOTION}.json")
        return _describe(card)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return ""  # what is wrong with the weights, the status line says


def _describe(card: dict[str, Any]) -> str:
    split = next((name for name in SPLITS if name in card["metrics"]), "test")
    measured = card["metrics"][split]
    low, high = measured["accuracy_ci95"]
    rows = "".join(_row(label, float(measured["per_label"][label]["recall"])) for label in EMOTIONS)
    return (
        "<details class='fer-about'><summary>How often is it right?</summary>"
        f"<p>Of {int(measured['images']):,} pictures {SPLITS[split]}, it gave {measured['accuracy']:.0%} the label that a "
        f"person had given (95 % interval {low:.0%} to {high:.0%}); people themselves often disagree about them. Of the "
        f"faces with each label it found:</p><ul>{rows}</ul><p>{LAW} {escape(str(card['what']))}.</p></details>"
    )


def _row(label: str, recall: float) -> str:
    return f"<li><i style='background: {EMOTION_COLORS[label]}'></i>{label} <b>{recall:.0%}</b></li>"
