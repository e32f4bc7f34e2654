"""Latency is measured with a batch of one face."""

from types import SimpleNamespace

from fer_lib.crops import CropSpec
from fer_lib.evaluate.latency import measure_latency


def test_measure_latency_batch_of_one():
    shapes = []
    recognizer = SimpleNamespace(spec=CropSpec(size=32, color="rgb"), classify=lambda crops: shapes.append(crops.shape))
    latency = measure_latency(recognizer, repeats=5)
    assert 0 <= latency["median"] <= latency["p95"]
    assert set(shapes) == {(1, 32, 32, 3)}
    assert len(shapes) > 5
