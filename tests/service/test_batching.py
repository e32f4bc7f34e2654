"""The network for several threads: each gets what it would get alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from factories import make_frame, make_portrait

from fer_lib.service.batching import JoiningRecognizer
from fer_lib.service.engine import Engine
from fer_lib.vision.recognition import Recognizer


@pytest.fixture(scope="module")
def joining() -> JoiningRecognizer:
    return JoiningRecognizer()


def make_crops(recognizer: Recognizer, count: int, seed: int = 0) -> np.ndarray:
    spec = recognizer.spec
    crops = np.stack([make_frame(spec.size, spec.size, seed * 100 + n) for n in range(count)])
    return crops[..., : spec.channels]


def test_alone_it_is_the_network(joining):
    crops = make_crops(joining, 3)
    np.testing.assert_allclose(joining.classify(crops), Recognizer().classify(crops), atol=1e-6)
    assert joining.classify(crops[:0]).shape == (0, 7)


def test_what_gathers_while_the_network_runs_goes_through_at_once(joining, monkeypatch):
    """The network is held at the first picture until four others wait, of one to four faces."""
    sizes, gate, held = [], threading.Event(), threading.Event()
    run = Recognizer.logits

    def logits(self, crops):
        sizes.append(len(crops))
        held.set()
        assert gate.wait(20)
        return run(self, crops)

    expected = [Recognizer().logits(make_crops(joining, n, n)) for n in range(1, 6)]
    monkeypatch.setattr(Recognizer, "logits", logits)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(joining.logits, make_crops(joining, 5, 5))
        assert held.wait(20)
        others = [pool.submit(joining.logits, make_crops(joining, n, n)) for n in range(1, 5)]
        while len(joining._gathered) < 4:
            threading.Event().wait(0.01)
        gate.set()
        results = [one.result(20) for one in (*others, first)]
    assert sizes == [5, 10]
    for got, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_a_fault_is_told_and_the_next_picture_is_looked_at(joining, monkeypatch):
    def fail(self, crops):
        raise RuntimeError("out of memory")

    crops = make_crops(joining, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Recognizer, "logits", fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            joining.logits(crops)
    assert joining.logits(crops).shape == (1, 7)


def test_the_engine_answers_the_same_with_and_without(real_engine):
    portrait = make_portrait()
    together = Engine(batching=True)
    np.testing.assert_allclose(together.classify(portrait), real_engine.classify(portrait), atol=1e-6)
