"""Figures: the only package that imports matplotlib; every emotion has one colour in all of them."""

from fer_lib.plots.bars import plot_counts, plot_recalls
from fer_lib.plots.calibration import plot_coverage, plot_reliability
from fer_lib.plots.confusions import plot_confusions
from fer_lib.plots.curves import LiveCurves, plot_curves, plot_runs
from fer_lib.plots.exploration import plot_brightness_contrast, plot_draws, plot_leaks
from fer_lib.plots.heatmaps import plot_agreement
from fer_lib.plots.image_grids import plot_images, plot_label_grid, plot_mean_faces
from fer_lib.plots.mistakes import plot_mistakes
from fer_lib.plots.occlusion import plot_occlusion_maps
from fer_lib.plots.robustness import plot_robustness
from fer_lib.plots.saving import save_png
from fer_lib.plots.scores import plot_label_metrics, plot_slices

__all__ = [
    "LiveCurves",
    "plot_agreement",
    "plot_brightness_contrast",
    "plot_confusions",
    "plot_counts",
    "plot_coverage",
    "plot_curves",
    "plot_draws",
    "plot_images",
    "plot_label_grid",
    "plot_label_metrics",
    "plot_leaks",
    "plot_mean_faces",
    "plot_mistakes",
    "plot_occlusion_maps",
    "plot_recalls",
    "plot_reliability",
    "plot_robustness",
    "plot_runs",
    "plot_slices",
    "save_png",
]
