"""Names of `fer_lib.live`, which are imported on first access, and the packages that they import."""

import json
import subprocess
import sys

import pytest

import fer_lib.live

# Packages that cost a kernel time and memory and that the live page does not need.
HEAVY = ("torch", "torchvision", "pandas", "matplotlib", "scipy", "sklearn", "skimage")


def test_getattr_imports_every_public_name():
    assert all(callable(getattr(fer_lib.live, name)) for name in fer_lib.live.__all__)


def test_getattr_raises_for_other_names():
    with pytest.raises(AttributeError, match=r"'fer_lib\.live' has no attribute 'Unknown'"):
        fer_lib.live.Unknown  # noqa: B018 - the access is the test


def test_import_needs_no_heavy_package():
    script = f"""
import json, sys
from fer_lib.live import LiveView, Panel, Session, open_source
import fer_lib.vision.pipeline
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_import_does_not_load_onnxruntime():
    script = "import sys; from fer_lib.live import Panel; print('onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
