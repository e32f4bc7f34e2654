"""Numbers become figures: the only room that imports matplotlib; every emotion has its one colour."""

from fer_lib.plots.bars import plot_counts, plot_recalls
from fer_lib.plots.curves import LiveCurves, plot_curves
from fer_lib.plots.pictures import plot_images

__all__ = ["LiveCurves", "plot_counts", "plot_curves", "plot_images", "plot_recalls"]
