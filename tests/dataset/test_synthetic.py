"""Test the synthetic faces: reproducible, different between labels, no duplicates."""

import numpy as np

from fer_lib.dataset.synthetic import COUNTS, draw_face, write_sample
from fer_lib.labels import EMOTIONS


def test_draw_face_is_reproducible_and_varied():
    assert (draw_face("happy", 3) == draw_face("happy", 3)).all()
    assert (draw_face("happy", 3) != draw_face("happy", 4)).any()
    assert draw_face("sad", 0, size=32).shape == (32, 32)


def test_draw_face_expressions_differ_between_labels():
    means = np.array(
        [np.mean([draw_face(label, s).astype(float) for s in range(30)], axis=0).ravel() for label in EMOTIONS]
    )
    shapes = means - means.mean(axis=1, keepdims=True)
    gaps = np.linalg.norm(shapes[:, None] - shapes[None], axis=2)
    assert gaps[~np.eye(len(EMOTIONS), dtype=bool)].min() > 100


def test_write_sample_has_every_label_and_no_duplicates(tmp_path):
    assert write_sample(tmp_path) == 7 * sum(COUNTS.values())
    files = list(tmp_path.rglob("*.png"))
    assert {path.parent.name for path in files} == set(EMOTIONS)
    assert len({path.read_bytes() for path in files}) == len(files)
