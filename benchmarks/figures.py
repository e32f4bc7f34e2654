"""Plots of benchmark results in the style of the notebooks' plots."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fer_lib.plots.style import ACCENT, INK, SECOND, make_figure


def draw_pipeline(measured: dict[str, Any]) -> Figure:
    """Draw the sorted times per frame of both pipelines, and the relative cost of six faces, HD and no face."""
    figure, (times, costs) = make_figure(2, 8, 3)
    for name, color in (("classical", SECOND), ("ours", ACCENT)):
        frame_ms = np.sort(measured["_frame_ms"][name])
        times.plot(np.linspace(0, 1, len(frame_ms)), frame_ms, color=color, label=name)
    times.set(
        yscale="log", xlabel="share of the frames", ylabel="ms per frame", title=f"{measured['ratio']:.1f} times faster"
    )
    times.legend(frameon=False, labelcolor=INK)
    words = {"faces_6_over_1": "six faces", "hd_over_vga": "1920×1080", "no_face_over_one": "no face"}
    bars = costs.barh(list(words.values()), [measured[name] for name in words], color=ACCENT)
    costs.bar_label(bars, [f"{measured[name]:.2f}" for name in words], padding=3, color=INK)
    costs.axvline(1, color=INK, linestyle=":")
    costs.set_title("cost, relative to one face at 640×480")
    costs.invert_yaxis()
    return figure


def draw_live(measured: dict[str, Any]) -> Figure:
    """Draw the delay from frame to overlay over time, and its histogram."""
    figure, (course, spread) = make_figure(2, 8, 3)
    at_s, late_ms = np.array(measured["_overlays"]).T
    course.plot(at_s, late_ms, ".", color=ACCENT, markersize=3)
    course.set(
        xlabel="seconds", ylabel="ms from frame to overlay", title=f"{measured['results_per_s']:.1f} results per second"
    )
    spread.hist(late_ms, bins=40, color=ACCENT)
    for name, style in (("median", "-"), ("p95", ":")):
        spread.axvline(measured["frame_to_overlay_ms"][name], color=INK, linestyle=style, label=name)
    spread.set(xlabel="ms from frame to overlay", ylabel="results")
    spread.legend(frameon=False, labelcolor=INK)
    return figure


def draw_visitors(measured: dict[str, Any]) -> Figure:
    """Draw the results per second of the slowest, median and fastest visitor, and the delay, over the number of visitors."""
    figure, (rates, delays) = make_figure(2, 8, 3)
    sizes = [crowd["visitors"] for crowd in measured["crowds"]]
    for name, words, color in (("max", "fastest", INK), ("median", "median", ACCENT), ("min", "slowest", SECOND)):
        rates.plot(
            sizes, [crowd[f"{name}_results_per_s"] for crowd in measured["crowds"]], "o-", color=color, label=words
        )
    rates.axhline(10, color=INK, linestyle=":")
    rates.set(xlabel="visitors", ylabel="results per second", ylim=(0, None))
    rates.legend(frameon=False, labelcolor=INK)
    delays.plot(sizes, [crowd["delay_ms"] for crowd in measured["crowds"]], "o-", color=ACCENT)
    delays.set(xlabel="visitors", ylabel="ms to the kernel and back", ylim=(0, None))
    return figure


def draw_stability(measured: dict[str, Any]) -> Figure:
    """Draw jitter and delay for each set of settings."""
    panels = {
        "still_jitter": "jitter of a still face, % of its side",
        "moving_jitter": "jitter of a moving face, %",
        "lag_s": "delay of the label, s",
    }
    figure, axes = make_figure(len(panels), 9, 2)
    for panel, (name, title) in zip(axes, panels.items(), strict=True):
        factor = 100 if name.endswith("jitter") else 1
        panel.barh(list(measured["ways"]), [factor * way[name] for way in measured["ways"].values()], color=ACCENT)
        panel.set_title(title, fontsize=9)
        panel.invert_yaxis()
    for panel in axes[1:]:
        panel.set_yticks([])
    return figure
