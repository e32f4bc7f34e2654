"""Figures are saved on white and reproducibly."""

import numpy as np
from PIL import Image

from fer_lib.plots import plot_robustness, save_png
from tests.plots.test_robustness import make_curve


def test_save_png_white_and_reproducible(tmp_path):
    for name in ("a.png", "b.png"):
        save_png(plot_robustness({"blur": make_curve(2), "tilt": make_curve(3)}), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert pixels[:3].min() == 255
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
