"""Save figures for pages."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from fer_lib.drafts import draft


def save_png(figure: Figure, path: Path, dots_per_inch: int = 100) -> None:
    """Write a figure as PNG on a white background, complete or not at all; equal figures give equal bytes."""
    with draft(path) as temporary:
        figure.savefig(
            temporary,
            format="png",
            dpi=dots_per_inch,
            facecolor="white",
            metadata={"Software": None},
            pil_kwargs={"optimize": True},
        )
