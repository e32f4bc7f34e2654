"""The stability benchmark: flips, jitter and delay on constructed data, and with the shipped network."""

import numpy as np
import pytest

from benchmarks import stability
from benchmarks.figures import draw_stability
from harness.clips import Clip, compose_clip

RATE = stability.RATE


def make_clip(frames: int) -> Clip:
    """Make a clip without images: a face of 100 pixels that moves by one pixel per frame."""
    truth = np.tile(np.array([[[0, 0, 100, 100]]], np.float32), (frames, 1, 1)) + np.arange(frames)[:, None, None]
    return Clip([], np.arange(frames) / RATE, truth.astype(np.float32))


def test_flips_counts_changes_after_the_warm_up() -> None:
    assert stability._flips(["sad"] * 90) == 0
    assert stability._flips(["happy"] * 10 + ["sad"] * 80) == 0
    assert stability._flips(["happy"] * 60 + ["sad"] * 30) == pytest.approx(0.5)
    assert stability._flips((["happy"] * 15 + ["sad"] * 15) * 4) == pytest.approx(2 * 5 / 6)


def test_jitter_is_relative_to_the_face() -> None:
    clip = make_clip(90)
    assert stability._jitter(clip.truth[:, 0], clip) == 0
    shaken = clip.truth[:, 0] + np.where(np.arange(90) % 2, 1, -1)[:, None]
    assert stability._jitter(shaken.astype(np.float32), clip) == pytest.approx(np.sqrt(8) / 100)


def test_delays_end_at_the_final_label() -> None:
    times_s = np.arange(6 * RATE) / RATE
    labels = ["happy"] * (2 * RATE) + ["happy"] * 6 + ["neutral"] * 54 + ["neutral"] * 3 + ["sad"] * 3 + ["happy"] * 54
    assert stability._delays(labels, times_s) == pytest.approx([6 / RATE, 6 / RATE])
    with pytest.raises(RuntimeError, match="the label must change"):
        stability._delays(["happy"] * len(times_s), times_s)


def test_compose_clip_still_and_without_a_smile() -> None:
    clip = compose_clip(3, rate=1, still=True, smile_s=1)
    np.testing.assert_array_equal(clip.truth[0], clip.truth[2])
    smiling, serious, again = (len(jpeg) for jpeg in clip.jpegs)
    assert abs(smiling - again) < abs(smiling - serious)


def test_measure_the_shipped_network() -> None:
    measured = stability.measure(2 * stability.SMILE_S)
    assert set(stability.COLUMNS) <= set(measured)
    assert set(measured["ways"]) == set(stability.WAYS)
    assert measured["ways"]["no smoothing"]["still_jitter"] > measured["still_jitter"]
    assert measured["ways"]["no smoothing"]["box_lag"] == 0 < measured["box_lag"]
    text = stability.format_table(measured)
    assert all(name in text for name in stability.WAYS)
    assert len(draw_stability(measured).axes) == 3
