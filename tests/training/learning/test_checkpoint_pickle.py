"""A pickle in place of a checkpoint is refused, and none of its code runs."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from fer_lib.training.learning.checkpoint import load_checkpoint


def test_load_checkpoint_refuses_a_pickle_and_runs_no_code(tmp_path):
    proof = tmp_path / "proof"

    class Payload:
        def __reduce__(self):
            return Path.touch, (proof,)

    pickle = tmp_path / "c.pt"
    torch.save({"model": Payload()}, pickle)
    torch.load(pickle, weights_only=False)
    assert proof.exists(), "loading the pickle must run its code"
    proof.unlink()
    path = pickle.rename(tmp_path / "c.safetensors")
    with pytest.raises(ValueError, match=re.escape(str(path))):
        load_checkpoint(path, nn.Linear(2, 2))
    assert not proof.exists()
