"""Fixture of a small network for tests of the training loop."""

from collections.abc import Iterator
from functools import partial

import pytest


@pytest.fixture(scope="module")
def narrow_resnet() -> Iterator[None]:
    """Build `resnet18-wide` with a quarter of its channels, so that a training step takes milliseconds."""
    from fer_lib.training import model
    from fer_lib.training.networks import resnet  # torch is loaded for the tests that need it

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(model.TEACHERS, "resnet18-wide", partial(resnet.build_resnet, widths=(16, 32, 64, 128)))
        yield
