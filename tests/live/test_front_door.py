import json
import subprocess
import sys

import pytest

import fer_lib.live

# What a kernel would pay for in time and memory, and never needs on the live page.
HEAVY = ("torch", "torchvision", "pandas", "matplotlib", "scipy", "sklearn", "skimage")


def test_front_door_opens_every_name():
    assert all(callable(getattr(fer_lib.live, name)) for name in fer_lib.live.__all__)


def test_front_door_refuses_other_names():
    with pytest.raises(AttributeError, match=r"'fer_lib\.live' has no attribute 'Dance'"):
        fer_lib.live.Dance  # noqa: B018 - looking is the test


def test_front_door_brings_no_heavy_guests():
    script = f"""
import json, sys
from fer_lib.live import LiveView, Panel, Session, open_source
import fer_lib.vision.pipeline
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_front_door_waits_with_vision():
    script = "import sys; from fer_lib.live import Panel; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
