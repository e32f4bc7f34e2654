import ctypes
import os
import subprocess
import sys

import pytest

from fer_lib.vision.malloc_trim import trim_memory

# Frees what lies below a block that stays, so that only a trim can return it.
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


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can return memory")
def test_return_memory_makes_the_process_smaller() -> None:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=os.environ)
    assert float(answer.stdout) > 50


def test_return_memory_where_the_library_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    trim_memory()
