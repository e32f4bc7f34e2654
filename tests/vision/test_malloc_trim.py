import ctypes
import os
import subprocess
import sys

import pytest

from fer_lib.vision.malloc_trim import trim_memory

# Frees memory below a block in use, which only `malloc_trim` can return.
PROGRAM = """
import psutil
from fer_lib.vision.malloc_trim import trim_memory
blocks = [bytearray(50_000) for _ in range(2_000)]
last = blocks.pop()
del blocks
before = psutil.Process().memory_info().rss
trim_memory()
print((before - psutil.Process().memory_info().rss) / 1e6)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_trim_memory_reduces_resident_memory() -> None:
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=os.environ
    )
    assert float(process.stdout) > 50


def test_trim_memory_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    trim_memory()
